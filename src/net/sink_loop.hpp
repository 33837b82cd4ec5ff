// sink_loop.hpp: the sink's one thread: its socket, its store, and the order of its turns.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/sink.hpp>

#include "core/collector.hpp"
#include "core/message.hpp"
#include "net/context.hpp"
#include "net/frame_buffer.hpp"
#include "net/poll_set.hpp"
#include "net/router.hpp"
#include "net/sink_checkpoint.hpp"
#include "net/sink_lookup.hpp"
#include "net/sink_store.hpp"
#include "net/wake.hpp"
#include "wire/codec.hpp"

namespace sluice::net {

/// Carries messages between a Collector, the socket and the store. It decides nothing.
///
/// The thread starts in the constructor, once the file is read and the address is bound,
/// and ends with stop(), or when the store is closed for good.
class SinkLoop {
 public:
  /// Throws Error.
  SinkLoop(const SinkOptions& options, Sink::Handler handler);
  ~SinkLoop();
  SinkLoop(const SinkLoop&) = delete;
  SinkLoop& operator=(const SinkLoop&) = delete;

  // From any thread.
  [[nodiscard]] const std::string& endpoint() const { return advertised_; }
  [[nodiscard]] Sink::Stats stats() const;
  /// Throws what ended the loop, if anything did.
  void check() const;
  void stop();

 private:
  struct WaitingSend {
    core::PeerId peer{};
    OutFrame frame;
  };
  std::unique_ptr<store::OutcomeFile> open_file(const SinkOptions& options);
  void run();
  void turn();
  void wait();
  void receive(core::Time now);
  void take_from_core();
  void send(core::PeerId peer, const core::Envelope& envelope);
  void retry_sends();
  void publish();

  const core::CollectorOptions core_options_;
  core::Collector core_;
  std::uint64_t known_ = 0;  // lines read back, or told by a checkpoint
  std::uint64_t known_by_checkpoint_ = 0;
  std::string opening_note_;  // what was odd about the file, for people
  SinkStore store_;
  SinkLookup lookup_;
  SinkCheckpoint checkpoint_;
  std::shared_ptr<FramePool> frames_;
  wire::Codec codec_;
  Router router_;
  std::string advertised_;
  Wake wake_;
  PollSet poll_;
  core::EntryPool pool_;
  OutFrame frame_;
  std::vector<core::Collector::Send> sends_;  // of this turn
  std::deque<WaitingSend> waiting_sends_;     // that libzmq would not take
  bool more_to_read_ = false;

  mutable std::mutex mutex_;  // guards what follows
  bool stop_asked_ = false;
  std::exception_ptr failure_;
  Sink::Stats stats_;

  std::thread thread_;
};

}  // namespace sluice::net
