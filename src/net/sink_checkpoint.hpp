// sink_checkpoint.hpp: when a sink writes a checkpoint of its file, and a thread for the disk.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "core/collector.hpp"
#include "store/outcome_file.hpp"

namespace sluice::net {

/// Puts a checkpoint together, some of it each turn, so that nothing waits for it longer than a
/// millisecond or two; a thread of its own writes and syncs it. Belongs to one thread.
class SinkCheckpoint {
 public:
  struct Rule {
    /// So much must have been written since the last one, and eight times its own size.
    std::uint64_t every_bytes = std::uint64_t{64} << 20;
    /// At an orderly end so much is enough: less is read in no time.
    std::uint64_t last_bytes = std::uint64_t{16} << 20;
    std::size_t pages_per_step = 512;
  };

  /// `file` may be null: then it does nothing. It must outlive this.
  explicit SinkCheckpoint(store::OutcomeFile* file) : SinkCheckpoint(file, Rule()) {}
  SinkCheckpoint(store::OutcomeFile* file, Rule rule);
  ~SinkCheckpoint();
  SinkCheckpoint(const SinkCheckpoint&) = delete;
  SinkCheckpoint& operator=(const SinkCheckpoint&) = delete;

  /// Once a turn, when the core has been told what is stored.
  void step(const core::Collector& core);
  /// There is more to do than to wait for.
  [[nodiscard]] bool busy() const { return stage_ == Stage::gathering; }
  /// At an orderly end: the last one, if it is worth it. Waits for the disk.
  void finish(const core::Collector& core);

  /// Why the last one could not be written, for people; empty if it was.
  [[nodiscard]] std::string trouble() const;
  /// Written since the start.
  [[nodiscard]] std::uint64_t written() const;

 private:
  enum class Stage : std::uint8_t { idle, gathering, writing };
  void begin();
  /// False if there is more to gather.
  [[nodiscard]] bool gather(const core::Collector& core, std::size_t pages);
  void hand_over();
  void write(const std::string& bytes);
  void reap();

  store::OutcomeFile* const file_;
  const Rule rule_;
  Stage stage_ = Stage::idle;
  std::uint64_t last_at_ = 0;    // the file's size when the last one was begun
  std::uint64_t last_size_ = 0;  // of the last one
  bool wanted_ = false;          // whatever the size: the one that lies there is of no use
  bool unsound_ = false;         // a sync of the file has failed: it is not vouched for any more
  core::KnownCursor cursor_;
  core::KnownSlice slice_;
  std::thread writer_;

  mutable std::mutex mutex_;  // guards what follows
  bool writer_done_ = false;
  std::string trouble_;
  std::uint64_t written_ = 0;
};

}  // namespace sluice::net
