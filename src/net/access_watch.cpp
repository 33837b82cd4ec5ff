// access_watch.cpp: looking, a few times before it is believed.
// SPDX-License-Identifier: MIT
#include "net/access_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

namespace sluice::net {
namespace {

constexpr core::Duration kLookEvery = std::chrono::seconds(1);
constexpr int kLooks = 3;

}  // namespace

std::optional<core::Time> AccessWatch::next_look(core::Time now) const {
  if (path_.empty()) return std::nullopt;
  return std::max(now, looked_ + kLookEvery);
}

std::optional<std::string> AccessWatch::look(bool away, const core::Log& log, core::Time now) {
  if (!away) looks_failed_ = 0;
  if (path_.empty() || !away || now - looked_ < kLookEvery) return std::nullopt;
  looked_ = now;
  std::string why = why_gone(log);
  looks_failed_ = why.empty() ? 0 : looks_failed_ + 1;
  if (looks_failed_ < kLooks) return std::nullopt;
  return why;
}

// Empty if as far as one can see it has not.
std::string AccessWatch::why_gone(const core::Log& log) {
  constexpr const char* kSilent = "the ventilator has gone without a word: ";
  std::error_code error;
  // Who ends for good takes its file away; a BYE may have missed us.
  if (!std::filesystem::exists(path_, error) && !error)
    return "the ventilator has ended, and its access file " + path_ +
           " with it: come again when there is another one";
  try {
    Access access = Access::load(path_);
    if (access.log == core::hex(log)) {
      found_ = std::move(access);
      return {};
    }
    return kSilent + ("the access file " + path_) + " is of another ventilator now";
  } catch (const Error& why) {
    return kSilent + std::string(why.what());
  }
}

}  // namespace sluice::net
