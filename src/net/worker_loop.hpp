// worker_loop.hpp: the worker's one thread of sockets, and the order of its turns.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/worker.hpp>

#include "core/runner.hpp"
#include "net/access_watch.hpp"
#include "net/address_list.hpp"
#include "net/context.hpp"
#include "net/frame_buffer.hpp"
#include "net/lane.hpp"
#include "net/outgoing_link.hpp"
#include "net/poll_set.hpp"
#include "net/wake.hpp"
#include "net/worker_slots.hpp"
#include "wire/codec.hpp"

namespace sluice::net {

/// Carries messages between a Runner, its sockets and its slots. It decides nothing.
///
/// The thread starts with the object and ends when the Runner has: drained, stopped, or
/// because the ventilator ended. The functions may be called from any thread.
class WorkerLoop {
 public:
  /// Makes the slots, once the Runner's queue length is known.
  using MakeSlots = std::function<std::unique_ptr<WorkerSlots>(std::size_t capacity, Wake& wake)>;

  /// `addresses`: of the ventilator and of those that stand by. `access_file`: where they are from;
  /// while the ventilator is away it is watched. May be empty.
  WorkerLoop(AddressList addresses, const std::string& access_file,
             const core::RunnerOptions& options, bool end_with_ventilator,
             const MakeSlots& make_slots);
  ~WorkerLoop();
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;

  /// True once the ventilator has welcomed it; false after `timeout`, or when it ended.
  [[nodiscard]] bool wait_ready(std::optional<std::chrono::milliseconds> timeout);
  /// True once the thread has ended. Throws what ended it, if it was a failure.
  [[nodiscard]] bool wait_ended(std::optional<std::chrono::milliseconds> timeout);
  void drain(core::DrainMode mode, std::optional<std::chrono::milliseconds> deadline);
  /// As if the process had died: the sockets are closed, and what it holds or still makes goes
  /// nowhere. Waits for that. Not from its own thread.
  void vanish();
  /// As if the lane's connection had broken: what is on it is lost.
  void lose_lane();
  [[nodiscard]] Worker::Stats stats() const;
  /// Why the ventilator is not reached, for people.
  [[nodiscard]] std::string trouble() const;

 private:
  struct DrainWish {
    core::DrainMode mode{};
    std::optional<std::chrono::milliseconds> deadline;
  };

  void run();
  void turn();
  void wait();
  void receive(core::Time now);
  void receive_from_sinks(core::Time now);
  void take_wishes(core::Time now);
  [[nodiscard]] bool vanishes() const;
  void collect(core::Time now);
  void take_progress(core::Time now);
  void perform(core::Runner::Effects& effects, core::Time now);
  void change_sockets(core::Runner::Effects& effects);
  void open_lane(const core::LaneAddress& lane);
  void take_lane_address();
  [[nodiscard]] bool is_away() const;
  void look_for_ventilator(core::Time now);
  void publish(core::Time now);

  std::shared_ptr<Context> context_;
  std::shared_ptr<FramePool> frames_;
  const wire::Limits limits_;
  wire::Codec codec_;
  Wake wake_;
  core::Runner core_;
  std::unique_ptr<WorkerSlots> slots_;
  AddressList home_;
  OutgoingLink control_;
  std::optional<LanePull> lane_;
  std::optional<std::size_t> lane_slot_;  // in poll_; none: it was opened since
  std::optional<core::LaneAddress> lane_at_;
  Resolver lane_resolver_;
  std::map<std::uint32_t, std::unique_ptr<OutgoingLink>> sinks_;
  PollSet poll_;
  core::EntryPool pool_;
  std::vector<core::TaskHandle> retracted_;
  bool more_to_do_ = true;  // the next turn must not sleep
  bool supervisor_lost_ = false;
  AccessWatch access_watch_;
  std::string ventilator_gone_;  // why; empty: it is not

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  std::optional<DrainWish> wish_;
  bool vanishing_ = false, lane_losing_ = false;
  Worker::Stats stats_;
  std::string trouble_;
  bool ended_ = false;
  std::exception_ptr failure_;

  std::thread thread_;
};

}  // namespace sluice::net
