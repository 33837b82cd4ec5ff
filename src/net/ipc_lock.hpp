// ipc_lock.hpp: one process at a time listens on an ipc path.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "exec/unique_fd.hpp"

namespace sluice::net {

/// libzmq takes an ipc path away from whoever listens there and tells neither. This lock,
/// a file "PATH.lock" beside it, is taken before the bind. It ends with the process, however
/// that ends.
class IpcLock {
 public:
  /// Throws Error if another holder lives or the file cannot be made.
  explicit IpcLock(const std::string& socket_path);
  ~IpcLock();
  IpcLock(IpcLock&&) noexcept = default;
  IpcLock& operator=(IpcLock&&) = delete;

 private:
  std::string path_;
  exec::UniqueFd fd_;
};

}  // namespace sluice::net
