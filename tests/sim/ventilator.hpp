// ventilator.hpp: a Dispatcher at work, turning as net::VentilatorLoop does.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "net/journal_keeper.hpp"
#include "net/lane_ports.hpp"
#include "sim/dispatcher_watch.hpp"
#include "sim/process.hpp"

namespace sluice::sim {

class VentilatorProcess final : public Process {
 public:
  VentilatorProcess(World& world, Life life);
  ~VentilatorProcess() override;

  void turn(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool is_quiet() const override { return core_.unsettled() == 0; }
  [[nodiscard]] std::string state() const override;
  void died() override;
  [[nodiscard]] std::optional<Duration> ended() const override;
  void finish() const override;

  /// It says BYE and ends: at once, or when everything is settled.
  void end(bool halt_first, Duration wait);
  [[nodiscard]] core::Dispatcher& core() { return core_; }
  [[nodiscard]] const core::Log& log() const { return core_.identity().log; }

 private:
  struct Lane {
    SocketId socket = 0;
    std::uint16_t port = 0;
    std::deque<std::string> waiting;
  };
  void restore();
  void receive(Time now);
  void receive_from_sinks(Time now);
  void perform(core::DispatcherEffects& effects, Time now);
  void open_lanes(core::DispatcherEffects& effects, Time now);
  void send_to_peer(core::PeerId peer, const core::Envelope& envelope);
  void send_to_lane(core::Sid sid, const core::Envelope& envelope);
  void close_lane(core::Sid sid, Time now);
  void say_bye(Time now);

  std::optional<net::JournalKeeper> journal_;
  core::Dispatcher core_;
  DispatcherWatch watch_;
  const wire::Codec codec_;
  SocketId router_ = 0;
  net::LanePorts ports_;
  std::map<core::Sid, Lane> lanes_;
  std::vector<std::unique_ptr<Link>> sinks_;
  core::EntryPool pool_;
  std::optional<Duration> ends_;  // how long until another starts
  bool halt_ = false, halted_ = false, over_ = false;
};

/// Where the ventilator and its lanes are reached.
[[nodiscard]] std::string ventilator_address(Host host);
[[nodiscard]] std::string lane_address(Host host, std::uint32_t port);

}  // namespace sluice::sim
