// client_loop.hpp: a client's one thread: its socket, and the order of its turns.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/client.hpp>

#include "core/submitter.hpp"
#include "net/access_watch.hpp"
#include "net/address_list.hpp"
#include "net/client_inbox.hpp"
#include "net/client_sinks.hpp"
#include "net/context.hpp"
#include "net/frame_buffer.hpp"
#include "net/outgoing_link.hpp"
#include "net/poll_set.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// Carries messages between a Submitter and its socket, and those of its sinks. It decides nothing.
///
/// The thread starts in the constructor and ends with stop(). Other threads leave tasks
/// in inbox() (and then call wake()), and questions in query() and cancel().
class ClientLoop {
 public:
  ClientLoop(const ClientOptions& options, Client::OnConfirm on_confirm);
  ~ClientLoop();
  ClientLoop(const ClientLoop&) = delete;
  ClientLoop& operator=(const ClientLoop&) = delete;

  /// What the ventilator said last when it took this client.
  struct Session {
    bool ever = false;  ///< it has been there at least once
    bool now = false;   ///< it is there
    core::Log log{};
    bool durable = false;
    std::string trouble;  ///< why it is not there, for people
  };

  // From any thread but the loop's own.
  [[nodiscard]] ClientInbox& inbox() { return inbox_; }
  void wake() { wake_.signal(); }
  /// Waits until there is a first session; false after `timeout`.
  [[nodiscard]] bool wait_connected(std::chrono::milliseconds timeout);
  [[nodiscard]] Session session() const;
  /// The largest payload the ventilator takes, in bytes; 0 before the first session.
  [[nodiscard]] std::uint64_t max_payload() const {
    return max_payload_.load(std::memory_order_relaxed);
  }
  /// Wait for the answer. Throw Error when the loop has ended.
  [[nodiscard]] core::QueryAnswer query(core::Query query, std::chrono::milliseconds timeout);
  [[nodiscard]] core::CancelDone cancel(std::vector<core::Seq> seqs,
                                        std::chrono::milliseconds timeout);
  /// Nobody waits for the outcome of that ticket any more; its callback may be under way.
  void forget(std::uint64_t ticket);
  void stop();
  /// Throws what ended the loop, if anything did.
  void rethrow_failure() const;

 private:
  struct Question {
    std::uint64_t cookie = 0;
    std::optional<core::Query> query;  // else a cancel
    std::vector<core::Seq> seqs;
    std::chrono::milliseconds timeout{};
  };
  struct Answer {
    core::QueryAnswer reply;
    core::CancelDone cancelled;
  };

  void run();
  void end();
  void turn();
  void wait();
  [[nodiscard]] Endpoint where_to_try();
  void take_questions(core::Time now);
  void perform(core::Time now);
  void tell(const core::SubmitAnswer& answer, const core::Log& log, core::Time now);
  void look_for_ventilator(core::Time now);
  [[nodiscard]] std::optional<core::Time> patience_ends() const;
  void publish();
  [[nodiscard]] Answer ask(Question question);

  AccessWatch access_watch_;
  AddressList addresses_;
  const std::chrono::milliseconds patience_;
  const Client::OnConfirm on_confirm_;
  std::shared_ptr<FramePool> frames_;
  core::Submitter core_;
  OutgoingLink link_;
  std::string named_;  // by a standby, and tried
  ClientSinks sinks_;
  ClientInbox inbox_;
  Wake wake_;
  PollSet poll_;
  core::EntryPool pool_;
  Confirmation confirmation_;
  std::optional<core::Time> away_since_;
  std::vector<std::uint64_t> to_forget_;  // tickets, in this turn
  std::uint64_t sessions_ = 0;            // of the core, as far as the sinks were told
  std::atomic<std::uint64_t> max_payload_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stop_asked_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
  Session session_;
  std::uint64_t last_cookie_ = 0;
  std::vector<Question> questions_;
  std::vector<std::uint64_t> forgotten_;  // tickets
  std::map<std::uint64_t, Answer> answers_;

  std::thread thread_;
};

}  // namespace sluice::net
