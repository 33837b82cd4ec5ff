// worker.hpp: a Runner at work, with slots that run tasks as the plan has it.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/runner.hpp"
#include "sim/process.hpp"

namespace sluice::sim {

class WorkerProcess final : public Process {
 public:
  WorkerProcess(World& world, Life life);
  ~WorkerProcess() override;

  void turn(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool is_quiet() const override;
  [[nodiscard]] std::string state() const override;
  void died() override;
  void resumed() override { claim(); }
  [[nodiscard]] std::optional<Duration> ended() const override;
  void finish() const override;

  void drain(core::DrainMode mode, std::optional<Duration> deadline, Duration wait);
  [[nodiscard]] const core::Runner& core() const { return core_; }
  /// What has started here, oldest first.
  [[nodiscard]] const std::vector<std::pair<core::Log, core::Seq>>& started() const {
    return started_;
  }

 private:
  struct Running {
    core::Log log{};
    core::Seq seq{};
    std::uint32_t token = 0, attempt = 1;
    Time began{};
    std::uint64_t began_us = 0;
    bool told_progress = false;
  };
  struct Finished {
    core::TaskHandle handle{};
    core::RunEnd end{};
    std::string error, result;
    std::uint64_t retry_ms = 0, started_us = 0;
    Duration run{};
  };
  void collect(Time now);
  void receive(Time now);
  void say_progress(Time now);
  void perform(core::Runner::Effects& effects);
  void change_sockets(const core::Runner::Effects& effects);
  void open_lane(const core::LaneAddress& lane);
  void retract(std::size_t count, std::vector<core::TaskHandle>& out);
  // The executors.
  void claim();
  void start(core::TaskStart task);
  void end(core::TaskHandle handle, bool cancelled);
  [[nodiscard]] Finished ending(const Running& run) const;
  void note_session(const core::Envelope& in);
  void note_lane(const core::Envelope& in);
  void check_state(const core::State& state) const;
  void check_limits() const;

  core::Runner core_;
  const wire::Codec codec_;
  const Host ventilator_;
  Link control_;
  SocketId lane_ = 0;
  std::map<std::uint32_t, std::unique_ptr<Link>> sinks_;
  core::EntryPool pool_;
  std::deque<core::TaskStart> queue_;
  std::map<core::TaskHandle, Running> running_;
  std::vector<Finished> finished_, reported_;
  std::uint64_t claimed_ = 0;
  bool frozen_ = true;
  Time start_until_{};
  std::optional<Duration> back_after_;
  bool drained_ = false;
  core::Log log_{};
  // The rules of starting, kept apart from the machine.
  bool in_session_ = false;
  core::Sid sid_{};
  Time heard_{};  // from the ventilator
  Duration fence_{};
  core::State said_;  // the last STATE of the session
  std::uint64_t received_ = 0, void_n_ = 0;
  std::uint64_t lane_seen_ = 0;  // the newest number on the lane
  bool owes_gap_ = false;        // one before it is missing
  std::vector<std::pair<core::Log, core::Seq>> started_;
};

}  // namespace sluice::sim
