// access.hpp: the access file: how workers and clients find a running ventilator.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/export.hpp>

namespace sluice {

/// What a ventilator leaves in a file (JSON, mode 0600) for those who want to reach it. On
/// a cluster the file lies on the shared file system; nobody types an address.
///
/// A plain value: copies are independent, and const functions may be called from any thread.
struct SLUICE_API Access {
  static constexpr int kVersion = 1;

  std::string control;  ///< where workers and clients connect: tcp://head:5570
  /// Where those listen that stand by to take over from it; `control` is the active one's. Not in
  /// files of ventilators that know of no standbys.
  std::vector<std::string> standbys{};
  std::vector<std::string> sinks;  ///< where outcomes go, in their fixed order
  std::string log;                 ///< 32 hex digits: which ventilator's numbers
  std::int64_t pid = 0;            ///< of the ventilator, on `host`
  std::string host;
  /// Which boot of the host, and which container on it, `pid` counts in.
  std::string process_space;
  std::chrono::system_clock::time_point started;  ///< when the ventilator did, to the second
  /// It has a journal: when it dies another one goes on, and the file stays. False: its tasks
  /// live as long as its process.
  bool durable = false;

  /// What load() found odd, but no reason to stop; for people. Not part of the file.
  std::vector<std::string> warnings;

  /// With pid, host, process_space and started of this process, now.
  [[nodiscard]] static Access of_this_process();

  /// Reads a file. Throws Error, saying what to do: there is none, it cannot be read, is not an
  /// access file, or of a newer version.
  [[nodiscard]] static Access read(const std::string& path);
  /// The same for who wants to connect: throws Error also when its ventilator was on this host
  /// and is gone without a journal, and warns of a file that other users can read.
  [[nodiscard]] static Access load(const std::string& path);
  /// `given` if it is not empty, else what SLUICE_ACCESS says. Throws Error if neither is there.
  [[nodiscard]] static std::string find(const std::string& given = {});

  /// Replaces the file at `path` at once (a reader sees the old or the new one), mode 0600.
  /// Throws Error.
  void write(const std::string& path) const;
  /// Removes the file if it is still the one that this process wrote; another ventilator's stays.
  /// True if it was removed. Never throws.
  bool remove(const std::string& path) const;

  /// True if the ventilator's process was on this machine and is no more. False when that
  /// cannot be known from here.
  [[nodiscard]] bool process_is_gone() const;
  /// "3 h 12 min": how long ago it was started, by this machine's clock; for messages.
  [[nodiscard]] std::string age() const;
};

}  // namespace sluice
