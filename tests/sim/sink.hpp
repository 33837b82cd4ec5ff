// sink.hpp: a Collector at work, with the real store on a simulated disk.
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/collector.hpp"
#include "net/sink_lookup.hpp"
#include "net/sink_store.hpp"
#include "sim/process.hpp"

namespace sluice::sim {

class SinkProcess final : public Process {
 public:
  SinkProcess(World& world, Life life);
  ~SinkProcess() override;

  void turn(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool is_quiet() const override { return core_.stats().storing == 0; }
  [[nodiscard]] std::string state() const override;
  void finish() const override;

  [[nodiscard]] const core::Collector& core() const { return core_; }

 private:
  std::unique_ptr<store::OutcomeFile> open_file();
  void handle(const OutcomeView& outcome);
  void receive(Time now);
  void take_from_core();
  void send(core::PeerId peer, const core::Envelope& envelope);
  void check_confirm(core::Sid sid, const core::SinkConfirm& confirm);
  void check_watched(const core::Watched& watched);
  void check_limits() const;

  core::Collector core_;
  net::SinkStore store_;
  net::SinkLookup lookup_;
  const wire::Codec codec_;
  SocketId router_ = 0;
  core::EntryPool pool_;
  std::vector<core::Collector::Send> sends_;
  // Which task an outcome's number means, by session.
  std::map<std::pair<core::Sid, core::Rsn>, core::TaskKey> named_;
};

[[nodiscard]] std::string sink_address(Host host);
/// Of its outcome file, on the disk of its host.
inline constexpr const char* kOutcomePath = "outcomes.jsonl";

}  // namespace sluice::sim
