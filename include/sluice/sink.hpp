// sink.hpp: the side that takes each task's one outcome and keeps it.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <sluice/export.hpp>
#include <sluice/outcome.hpp>

namespace sluice {

/// Thrown by a handler: not now. The outcome comes again after `delay`.
class SLUICE_API Later : public std::runtime_error {
 public:
  explicit Later(std::chrono::milliseconds delay_, const std::string& why = "later")
      : std::runtime_error(why), delay(delay_) {}
  std::chrono::milliseconds delay;
};

/// Thrown by a handler: never. The task fails, "the sink rejected its outcome", and that outcome
/// comes to the handler as the last word. `why` does not leave the sink: log it there.
class SLUICE_API Reject : public std::runtime_error {
 public:
  explicit Reject(const std::string& why) : std::runtime_error(why) {}
};

struct SinkOptions {
  /// Where workers, ventilators and waiting clients connect; as VentilatorOptions::bind.
  std::string bind = "tcp://127.0.0.1:*";
  /// The host that others should use for it, where that is not the one bound to.
  std::string advertise{};
  /// Default "hostname-pid".
  std::string name{};
  /// A file that gets one JSON object a line for each outcome (README, "Outcomes"). Lines are on
  /// disk (fsync, once per group) before they are confirmed. On opening an existing
  /// file, its outcomes are known again, and a torn last line is cut off. Empty: no file.
  std::string file{};
  /// Beside a large file a checkpoint is kept (FILE.checkpoint), so that opening the file reads
  /// only what came after it. False: none is read or written, the file is read whole.
  bool checkpoint = true;
  /// Called as a large file is read at the start: so many of its bytes, of how many. The
  /// constructor's thread.
  std::function<void(std::uint64_t read, std::uint64_t size)> on_read_back{};
  /// False: the file is written but not synced. Fine where a crash of the machine ends the
  /// whole run anyway.
  bool sync = true;
  /// Called once before the outcomes of a group are confirmed, after the handler had all of them:
  /// the place to make durable what the handler has written, once for many. If it throws, none of
  /// them is confirmed, and they all come again. Same thread as the handler.
  std::function<void()> before_confirm{};
  /// 250 ms to 30 s; producers follow it.
  std::chrono::milliseconds heartbeat{2000};
  std::uint64_t max_frame = std::uint64_t{4} << 20;
};

/// Stores first, then confirms; the first outcome of a task counts, others are duplicates.
///
/// One thread of its own owns its socket and calls the handler. All functions may be
/// called from any thread, stop() not from the handler.
class SLUICE_API Sink {
 public:
  /// Called once per outcome, also for those made by the ventilator.
  ///   return: it is stored, confirmed, and does not come again;
  ///   throw Later: not now, it comes again after that delay;
  ///   throw Reject: never (see there); counted in Stats::rejected;
  ///   throw anything else: it comes again after 100 ms, then twice as long each time, at
  ///   most 30 s; meanwhile Stats::trouble says why. Others go on.
  /// Outcomes made by the ventilator, and those that stand for a rejected one, cannot be rejected.
  ///
  /// It is called again for an outcome when its group could not be stored after all (file full,
  /// before_confirm threw), or when the process ended between the handler and the confirm: a
  /// handler whose effects last should know a task by its id.
  ///
  /// After a restart, a sink with a file knows what the file has, and nothing of that comes to the
  /// handler again. Without a file it knows nothing: what was confirmed is not sent again as a
  /// rule, but it is if a worker died between the confirm and its ack, for the task then runs once
  /// more; and what was rejected is asked about again. While the handler runs nobody is answered:
  /// what has not had its turn within a heartbeat is put off, so a slow handler is safe but slow.
  using Handler = std::function<void(const OutcomeView&)>;

  /// With a file and no handler, or a handler, or both (the handler first, then the file).
  /// Throws Error: the address is taken, the file cannot be used.
  explicit Sink(SinkOptions options, Handler handler = {});
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// The address to give to ventilators.
  [[nodiscard]] std::string endpoint() const;

  struct Stats {
    std::uint64_t stored = 0;  ///< in this process's life
    std::uint64_t known = 0;   ///< read back from the file at the start
    std::uint64_t duplicates = 0;
    std::uint64_t deferred = 0;  ///< times an outcome was put off: handler, or disk full
    std::uint64_t rejected = 0;
    std::uint64_t producers = 0;  ///< connected now
    std::uint64_t refused_frames = 0;
    std::uint64_t known_by_checkpoint = 0;  ///< of `known`: those whose lines were not read
    std::uint64_t checkpoints = 0;          ///< written in this process's life
    std::string checkpoint_trouble;         ///< why the last one could not be, for people
    std::string opening_note;  ///< what was odd about the file at the start, for people
    std::string trouble;       ///< what stands in the way of storing now, for people
  };
  [[nodiscard]] Stats stats() const;
  /// Throws what ended the loop, if anything did (a failed fsync, for instance).
  void check() const;
  /// Ends within a second; what is not confirmed stays with its producer.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
