// plan.cpp: seeds, steps, and what is told of them.
// SPDX-License-Identifier: MIT
#include "chaos/plan.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace sluice::chaos {
namespace {

std::string case_name() { return doctest::getContextOptions()->currentTest->m_name; }

// FNV-1a: equal on every machine, as std::hash need not be.
std::uint64_t number_of(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return hash;
}

}  // namespace

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const given = std::getenv(name);
  return given != nullptr && *given != '\0' ? std::stoull(given) : otherwise;
}

std::uint64_t chaos_seed() { return number_from("SLUICE_SEED", std::random_device{}()); }

void tell(const std::string& text) {
  std::printf("chaos: %s\n", text.c_str());
  std::fflush(stdout);
}

void skip(const std::string& why) {
  std::printf("SKIPPED: %s: %s\n", case_name().c_str(), why.c_str());
  std::fflush(stdout);
}

void pass(std::chrono::milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

Plan::Plan() : seed_(chaos_seed()), random_(seed_ ^ number_of(case_name())) {
  tell("SLUICE_SEED=" + std::to_string(seed_) + " " + case_name());
}

std::chrono::milliseconds Plan::between(std::int64_t least, std::int64_t most) {
  const auto range = static_cast<std::uint64_t>(most - least + 1);
  return std::chrono::milliseconds(least + static_cast<std::int64_t>(below(range)));
}

void Plan::add(std::string text, std::function<void()> act) {
  steps_.push_back({std::move(text), std::move(act)});
}

void Plan::run() {
  while (begun_ < steps_.size()) steps_[begun_++].act();
}

std::string Plan::text() const {
  std::string out = "SLUICE_SEED=" + std::to_string(seed_) + ", at step " +
                    std::to_string(begun_) + " of " + std::to_string(steps_.size()) + ":";
  for (std::size_t i = 0; i < steps_.size(); ++i)
    out += "\n  " + std::to_string(i + 1) + ' ' + steps_[i].text;
  return out;
}

}  // namespace sluice::chaos
