// footprint.cpp: reading /proc.
// SPDX-License-Identifier: MIT
#include "chaos/footprint.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace sluice::chaos {

Footprint footprint(pid_t pid) {
  Footprint out;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::error_code gone;
  for (std::filesystem::directory_iterator at(folder + "/fd", gone), end; !gone && at != end;
       at.increment(gone))
    ++out.descriptors;
  std::ifstream status(folder + "/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> out.memory_kb;
    if (word == "Threads:") status >> out.threads;
  }
  return out;
}

std::string shown(const Footprint& footprint) {
  return std::to_string(footprint.descriptors) + " descriptors, " +
         std::to_string(footprint.threads) + " threads, " + std::to_string(footprint.memory_kb) +
         " kB";
}

std::string Growth::complaint(std::uint64_t spare_kb) const {
  const auto half = samples_.begin() + static_cast<std::ptrdiff_t>(samples_.size() / 2);
  const auto most = [](auto from, auto to) {
    Footprint out;
    for (; from != to; ++from) {
      out.descriptors = std::max(out.descriptors, from->descriptors);
      out.threads = std::max(out.threads, from->threads);
      out.memory_kb = std::max(out.memory_kb, from->memory_kb);
    }
    return out;
  };
  const Footprint first = most(samples_.begin(), half), second = most(half, samples_.end());
  if (second.descriptors <= first.descriptors && second.threads <= first.threads &&
      second.memory_kb <= first.memory_kb + spare_kb)
    return {};
  return "it grows: " + text();
}

std::string Growth::text() const {
  std::string out = name_ + ':';
  for (const Footprint& sample : samples_)
    out += (&sample == samples_.data() ? " " : " | ") + shown(sample);
  return out;
}

}  // namespace sluice::chaos
