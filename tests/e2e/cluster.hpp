// cluster.hpp: a ventilator, workers and submits, all real processes, in a folder of their own.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "e2e/process.hpp"

namespace sluice::e2e {

/// Starts the roles with SLUICE_ACCESS set, so that no test names the access file.
///
///   Cluster cluster;
///   cluster.start_ventilator();
///   cluster.start_worker({"-j", "4"});
///   CHECK(cluster.submit({"echo", "{}", ":::", "a", "b"}).code == 0);
///   CHECK(cluster.wait_outcomes(2));
class Cluster {
 public:
  TempFolder dir;
  std::unique_ptr<Process> ventilator;
  std::vector<std::unique_ptr<Process>> workers;

  /// Waits for its access file. The outcomes go to outcomes.jsonl in `dir`, unless `options` name
  /// sinks or another file. `before`: what it is started by, if anything.
  void start_ventilator(const Words& options = {}, const Words& before = {});
  /// Waits until it is connected.
  Process& start_worker(const Words& options = {});
  /// Any verb, with SLUICE_ACCESS, in `dir`.
  [[nodiscard]] Process start(const Words& words, ProcessOptions options = {}) const;
  [[nodiscard]] Ran sluice(const Words& words, const ProcessOptions& options = {},
                           std::chrono::milliseconds timeout = kSoon) const;
  /// `sluice submit` with these words behind it.
  [[nodiscard]] Ran submit(const Words& words, const ProcessOptions& options = {}) const;

  [[nodiscard]] std::string access_file() const { return dir.file("access.json"); }
  [[nodiscard]] nlohmann::json status() const;
  /// The objects of the outcome file.
  [[nodiscard]] std::vector<nlohmann::json> outcomes() const;
  [[nodiscard]] bool wait_outcomes(std::size_t count,
                                   std::chrono::milliseconds timeout = kSoon) const;

 private:
  [[nodiscard]] ProcessOptions with_access(ProcessOptions options) const;
};

}  // namespace sluice::e2e
