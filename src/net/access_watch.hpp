// access_watch.hpp: whether a ventilator that is away has gone for good.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <sluice/access.hpp>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace sluice::net {

/// Looks at an access file every second while its ventilator is away. One that was killed says
/// nothing, and those who had a session would try for ever; its file tells, once it is stale,
/// gone, or another's. Belongs to one thread.
class AccessWatch {
 public:
  /// Without a path it never looks.
  explicit AccessWatch(std::string path) : path_(std::move(path)) {}

  /// When to look next, while the ventilator is away.
  [[nodiscard]] std::optional<core::Time> next_look(core::Time now) const;
  /// Each turn. Why the ventilator of `log` has gone, for people, once three looks in a row said
  /// so: a shared file system may stutter, and a restart replaces the file.
  [[nodiscard]] std::optional<std::string> look(bool away, const core::Log& log, core::Time now);
  /// What the file has said in the last look, once: another ventilator may have taken over.
  [[nodiscard]] std::optional<Access> take_found() { return std::exchange(found_, std::nullopt); }

 private:
  [[nodiscard]] std::string why_gone(const core::Log& log);

  std::optional<Access> found_;
  std::string path_;
  core::Time looked_{};
  int looks_failed_ = 0;
};

}  // namespace sluice::net
