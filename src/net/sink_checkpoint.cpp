// sink_checkpoint.cpp: gathering by turns, writing by a thread.
// SPDX-License-Identifier: MIT
#include "net/sink_checkpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "net/signals.hpp"

namespace sluice::net {

SinkCheckpoint::SinkCheckpoint(store::OutcomeFile* file, Rule rule) : file_(file), rule_(rule) {
  if (file_ == nullptr) return;
  wanted_ = !file_->checkpoint_refused().empty() && file_->size() > 0;
  last_at_ = file_->checkpoint_end();
}

SinkCheckpoint::~SinkCheckpoint() {
  if (writer_.joinable()) writer_.join();
}

void SinkCheckpoint::step(const core::Collector& core) {
  if (file_ == nullptr) return;
  if (stage_ == Stage::writing) reap();
  if (stage_ == Stage::idle) {
    const std::uint64_t enough = std::max(rule_.every_bytes, 8 * last_size_);
    if (!wanted_ && file_->size() - last_at_ < enough) return;
    begin();
  }
  if (stage_ == Stage::gathering && gather(core, rule_.pages_per_step)) hand_over();
}

void SinkCheckpoint::begin() {
  if (unsound_) return;
  wanted_ = false;
  last_at_ = file_->size();
  cursor_ = {};
  file_->begin_checkpoint();
  stage_ = Stage::gathering;
}

bool SinkCheckpoint::gather(const core::Collector& core, std::size_t pages) {
  constexpr std::size_t slices = 16;  // of one log each: there may be many small ones
  for (std::size_t i = 0; i < slices; ++i) {
    if (!core.known_slice(cursor_, pages / slices, slice_)) return true;
    file_->add_to_checkpoint(slice_);
  }
  return false;
}

void SinkCheckpoint::hand_over() {
  auto gathered = file_->end_checkpoint();
  stage_ = gathered ? Stage::writing : Stage::idle;
  if (!gathered) return;
  last_size_ = gathered->writer.size();
  writer_done_ = false;
  const SignalsBlocked blocked;
  writer_ = std::thread([this, one = std::move(*gathered)]() mutable { write(one.bytes()); });
}

void SinkCheckpoint::write(const std::string& bytes) {
  std::string trouble;
  bool unsound = false;
  if (!file_->syncs() && file_->sync_now() != 0) {
    trouble = "fsync of " + file_->path() + " failed: " + std::strerror(errno);
    unsound = true;
  } else {
    trouble =
        store::install_checkpoint(file_->directory(), store::checkpoint_path(file_->path()), bytes);
  }
  if (!trouble.empty())
    trouble = "no checkpoint, so that a restart reads more of the file: " + trouble;
  const std::scoped_lock lock(mutex_);
  trouble_ = std::move(trouble);
  unsound_ = unsound_ || unsound;
  if (trouble_.empty()) ++written_;
  writer_done_ = true;
}

void SinkCheckpoint::reap() {
  {
    const std::scoped_lock lock(mutex_);
    if (!writer_done_) return;
  }
  writer_.join();
  stage_ = Stage::idle;
}

void SinkCheckpoint::finish(const core::Collector& core) {
  if (file_ == nullptr) return;
  if (writer_.joinable()) writer_.join();
  stage_ = Stage::idle;
  if (unsound_ || (!wanted_ && file_->size() - last_at_ < rule_.last_bytes)) return;
  begin();
  while (!gather(core, std::numeric_limits<std::size_t>::max())) {
  }
  hand_over();
  if (writer_.joinable()) writer_.join();
  stage_ = Stage::idle;
}

std::string SinkCheckpoint::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

std::uint64_t SinkCheckpoint::written() const {
  const std::scoped_lock lock(mutex_);
  return written_;
}

}  // namespace sluice::net
