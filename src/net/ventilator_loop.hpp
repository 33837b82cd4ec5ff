// ventilator_loop.hpp: the ventilator's one thread: its sockets, and the order of its turns.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/ventilator.hpp>

#include "core/dispatcher.hpp"
#include "monitor/rates.hpp"
#include "net/context.hpp"
#include "net/frame_buffer.hpp"
#include "net/journal_keeper.hpp"
#include "net/lane.hpp"
#include "net/lane_ports.hpp"
#include "net/outgoing_link.hpp"
#include "net/ownership.hpp"
#include "net/poll_set.hpp"
#include "net/router.hpp"
#include "net/submit_inbox.hpp"
#include "net/wake.hpp"
#include "wire/codec.hpp"

namespace sluice::net {

/// Carries messages between a Dispatcher and the sockets. It decides nothing.
///
/// The thread starts in the constructor and ends with stop(). Other threads leave tasks
/// in inbox() and calls in call(); what they may read is published after each turn.
class VentilatorLoop {
 public:
  explicit VentilatorLoop(const VentilatorOptions& options);
  ~VentilatorLoop();
  VentilatorLoop(const VentilatorLoop&) = delete;
  VentilatorLoop& operator=(const VentilatorLoop&) = delete;

  [[nodiscard]] SubmitInbox& inbox() { return inbox_; }
  [[nodiscard]] const std::string& endpoint() const { return advertised_; }
  [[nodiscard]] const core::Log& log() const { return log_; }
  /// What the journal was found to be; null without one.
  [[nodiscard]] const store::JournalFacts* journal() const {
    return journal_ ? &journal_->facts() : nullptr;
  }
  /// Addresses of those that stand by.
  [[nodiscard]] std::vector<std::string> standbys();
  /// Throws Superseded if the journal belongs to somebody else, Error if that cannot be known.
  void check_ownership();
  [[nodiscard]] std::uint64_t max_payload() const { return limits_.max_payload(); }

  /// Runs `work` on the loop's thread between turns and waits for it. Throws Error if the loop
  /// has ended. Must not be called from the loop itself.
  void call(const std::function<void(core::Dispatcher&, core::Time)>& work);
  /// Waits until nothing is unsettled or waiting; false after `timeout`. Throws the loop's failure.
  bool wait_settled(std::chrono::milliseconds timeout);
  /// Waits until the core would take one more task, or the loop has ended.
  void wait_for_room();
  [[nodiscard]] std::size_t unsettled() const;
  [[nodiscard]] std::size_t workers() const { return workers_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string status_json();
  /// Ends the thread after a BYE to everybody. May be called twice.
  void stop();
  /// Throws what ended the loop, if anything did.
  void rethrow_failure() const;

 private:
  struct Lane {
    LanePush push;
    std::deque<OutFrame> waiting;  // not connected yet, or not any more
  };
  struct WaitingSend {
    core::PeerId peer{};
    OutFrame frame;
  };
  struct Call {
    const std::function<void(core::Dispatcher&, core::Time)>* work = nullptr;
    bool done = false;
  };

  void run();
  void say_bye();
  void turn();
  void wait();
  void receive(core::Time now);
  void receive_from_sinks(core::Time now);
  void take_submits_and_calls(core::Time now);
  void take_submits(core::Time now);
  void give_numbers();
  void perform(core::DispatcherEffects& effects, core::Time now);
  void open_lanes(core::DispatcherEffects& effects, core::Time now);
  void answer_questions(core::DispatcherEffects& effects, core::Time now);
  void send_to_peer(core::PeerId peer, const core::Envelope& envelope, core::Time now);
  void peer_gone(core::PeerId peer, core::Time now);
  void send_to_lane(core::Sid sid, const core::Envelope& envelope);
  void close_lane(core::Sid sid, core::Time now);
  void retry_sends(core::Time now);
  void publish(core::Time now);
  std::string status_text(core::Time now);

  const VentilatorOptions options_;
  wire::Limits limits_;
  core::Log log_{};
  std::shared_ptr<Ownership> ownership_;  // with a journal; outlives it
  std::optional<JournalKeeper> journal_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<FramePool> frames_;
  wire::Codec codec_;
  Wake wake_;
  SubmitInbox inbox_;
  std::optional<core::Dispatcher> core_;
  std::optional<Router> router_;
  std::optional<LanePorts> ports_;
  std::string lane_host_;
  bool tell_lane_host_ = false;
  std::map<core::Sid, Lane> lanes_;
  std::vector<std::unique_ptr<OutgoingLink>> sinks_;
  std::deque<WaitingSend> waiting_sends_;
  std::size_t lanes_waiting_ = 0;
  PollSet poll_;
  core::EntryPool pool_;
  OutFrame frame_;
  core::Time started_{};
  monitor::Rate settled_rate_, submitted_rate_;
  std::uint64_t sends_retried_ = 0;
  bool more_to_do_ = true;  // the next turn must not sleep
  std::string advertised_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  std::vector<Call*> calls_;     // asked
  std::vector<Call*> answered_;  // done as soon as the turn is
  bool stop_asked_ = false;
  bool ended_ = false;
  std::size_t unsettled_ = 0;
  bool has_room_ = true;
  std::size_t room_waiters_ = 0;
  std::exception_ptr failure_;

  std::atomic<std::size_t> workers_{0};
  std::thread thread_;
};

}  // namespace sluice::net
