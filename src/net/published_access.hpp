// published_access.hpp: the access file of a ventilator in this process, for as long as it lives.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sluice/access.hpp>

namespace sluice::net {

/// Whether the ventilator of an access file answers within a moment.
[[nodiscard]] bool ventilator_answers(const Access& access);

/// Whether the file is there and of the ventilators of that log.
[[nodiscard]] bool is_access_of(const std::string& path, const std::array<std::uint8_t, 16>& log);

/// Makes sure that no living ventilator's access file is overwritten, nor a file that is none.
/// Returns a note on what will be replaced; empty if there is no such file. Throws
/// sluice::Error. `answers` is asked where the file alone does not tell.
[[nodiscard]] std::string check_access_free(
    const std::string& path,
    const std::function<bool(const Access&)>& answers = ventilator_answers);

/// Writes the access file when it is made, and removes it at its end unless it is durable.
class PublishedAccess {
 public:
  /// `durable`: another ventilator will go on with its journal, and the file stays, so that workers
  /// and clients wait for it. Throws sluice::Error if the file cannot be written.
  PublishedAccess(std::string path, std::string control, std::vector<std::string> sinks,
                  const std::array<std::uint8_t, 16>& log, bool durable = false);
  ~PublishedAccess();
  PublishedAccess(const PublishedAccess&) = delete;
  PublishedAccess& operator=(const PublishedAccess&) = delete;

  [[nodiscard]] const Access& access() const { return access_; }
  /// Writes the file anew if it does not say this: these stand by, and this ventilator is active.
  /// An earlier one that woke up may have written it. Throws sluice::Error.
  void keep(const std::vector<std::string>& standbys);

 private:
  std::string path_;
  Access access_;
};

}  // namespace sluice::net
