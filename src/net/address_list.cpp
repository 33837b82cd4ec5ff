// address_list.cpp: one after the other.
// SPDX-License-Identifier: MIT
#include "net/address_list.hpp"

#include <algorithm>

#include <sluice/error.hpp>

namespace sluice::net {
namespace {

std::vector<Endpoint> parse_all(const std::string& list) {
  std::vector<Endpoint> out;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    Endpoint one = Endpoint::parse(list.substr(at, comma - at));
    one.require_connectable();
    if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    at = comma + 1;
  }
  return out;
}

}  // namespace

AddressList::AddressList(const std::string& list) : all_(parse_all(list)) {}

const Endpoint& AddressList::next() {
  last_ = next_;
  next_ = (next_ + 1) % all_.size();
  return all_[last_];
}

void AddressList::reached(const Endpoint& where) {
  const auto at = std::find(all_.begin(), all_.end(), where);
  if (at == all_.end()) return;  // a standby has named it, and will name it again
  next_ = last_ = static_cast<std::size_t>(at - all_.begin());
}

bool AddressList::learn(const Access& access) {
  std::vector<Endpoint> told;
  try {
    told = parse_all(addresses_of(access));
  } catch (const Error&) {  // somebody's file, and no reason to forget what is known
    return false;
  }
  if (told == all_) return false;
  const bool is_news = told.front() != all_[last_];
  const auto same = std::find(told.begin(), told.end(), all_[last_]);
  last_ = same == told.end() ? 0 : static_cast<std::size_t>(same - told.begin());
  all_ = std::move(told);
  next_ = 0;
  return is_news;
}

std::string AddressList::text() const {
  std::string out;
  for (const Endpoint& one : all_) out += (out.empty() ? "" : " or ") + one.text();
  return out;
}

std::string addresses_of(const Access& access) {
  std::string out = access.control;
  for (const std::string& one : access.standbys) out += "," + one;
  return out;
}

}  // namespace sluice::net
