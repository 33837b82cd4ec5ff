// address_list.hpp: where a ventilator may be found, when it can be in one of several places.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sluice/access.hpp>

#include "net/endpoint.hpp"

namespace sluice::net {

/// The active ventilator's address first, then those of the standbys. They are tried in turn, one
/// for each attempt, so however many there are, no more attempts are made. Belongs to one thread.
class AddressList {
 public:
  /// "tcp://a:5570,tcp://b:5570": at least one. Throws Error unless one can connect to each.
  explicit AddressList(const std::string& list);

  /// The one for the next attempt.
  [[nodiscard]] const Endpoint& next();
  /// There it is: that one is tried first when it is lost.
  void reached(const Endpoint& where);
  [[nodiscard]] const Endpoint& first() const { return all_.front(); }
  /// Somebody has said where the active one is. True if that is another one than was tried last.
  [[nodiscard]] bool learn(const Access& access);

  [[nodiscard]] std::size_t size() const { return all_.size(); }
  /// "A or B", for messages.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Endpoint> all_;
  std::size_t next_ = 0, last_ = 0;
};

/// All addresses of an access file, as AddressList wants them.
[[nodiscard]] std::string addresses_of(const Access& access);

}  // namespace sluice::net
