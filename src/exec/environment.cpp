// environment.cpp: laying a command's variables over the worker's own.
// SPDX-License-Identifier: MIT
#include "exec/environment.hpp"

#include "core/assert.hpp"

namespace sluice::exec {

Environment::Environment(const char* const* base) {
  for (; base != nullptr && *base != nullptr; ++base) {
    std::string entry = *base;
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    if (!base_index_.emplace(entry.substr(0, equals), base_.size()).second) continue;
    base_.push_back(std::move(entry));
  }
}

void Environment::set(const Variable& variable) {
  SLUICE_ASSERT(is_usable(variable));
  const auto [place, is_new] = base_index_.emplace(variable.first, base_.size());
  if (is_new) base_.emplace_back();
  base_[place->second] = variable.first + "=" + variable.second;
}

char* const* Environment::with(std::span<const Variable> first, std::span<const Variable> second) {
  pointers_.clear();
  added_.clear();
  added_index_.clear();
  pointers_.reserve(base_.size() + first.size() + second.size() + 1);
  added_.reserve(first.size() + second.size());
  for (std::string& entry : base_) pointers_.push_back(entry.data());
  for (const Variable& variable : first) overlay(variable);
  for (const Variable& variable : second) overlay(variable);
  pointers_.push_back(nullptr);
  return pointers_.data();
}

void Environment::overlay(const Variable& variable) {
  SLUICE_ASSERT(is_usable(variable));
  char* const entry = added_.emplace_back(variable.first + "=" + variable.second).data();
  const auto known = base_index_.find(variable.first);
  if (known != base_index_.end()) {
    pointers_[known->second] = entry;
    return;
  }
  const auto [place, is_new] = added_index_.emplace(variable.first, pointers_.size());
  if (is_new) pointers_.push_back(nullptr);
  pointers_[place->second] = entry;
}

std::string_view Environment::value(std::string_view name) const {
  const std::string key(name);
  auto place = base_index_.find(key);
  if (place == base_index_.end()) {
    place = added_index_.find(key);
    if (place == added_index_.end()) return {};
  }
  SLUICE_ASSERT(place->second < pointers_.size());
  return std::string_view(pointers_[place->second]).substr(name.size() + 1);
}

bool Environment::is_usable(const Variable& variable) {
  const std::string& name = variable.first;
  constexpr std::string_view kForbidden("=\0", 2);
  return !name.empty() && name.find_first_of(kForbidden) == std::string::npos &&
         variable.second.find('\0') == std::string::npos;
}

}  // namespace sluice::exec
