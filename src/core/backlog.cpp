// backlog.cpp: runs of tasks: packed, given up to the journal, opened when their turn comes.
// SPDX-License-Identifier: MIT
#include "core/backlog.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

// In front of each packed task: what follows beside the payload.
constexpr std::uint64_t kKey = 1, kWanted = 2, kOdd = 4;
constexpr int kFlagBits = 3;
// All numbers of a packed task, at most: 9 of up to 10 bytes.
constexpr std::size_t kMostNumbers = 90;

void put_number(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

std::uint64_t take_number(const std::vector<std::byte>& from, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(from[at++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

void put_bytes(std::vector<std::byte>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes take_bytes(const std::vector<std::byte>& from, std::size_t& at, std::uint64_t size) {
  const Bytes bytes = Bytes(from).subspan(at, size);
  at += size;
  return bytes;
}

// Numbers may come in any order: a difference of either sign, small ones short.
std::uint64_t folded(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
std::uint64_t unfolded(std::uint64_t value) { return value >> 1 ^ (0 - (value & 1)); }

constexpr std::uint32_t kMostRuns = (SeqIndex::kReserved - SeqIndex::kFar) / 2;
constexpr std::uint32_t place_of(Backlog::Run run, bool written) {
  return SeqIndex::kFar + run * 2 + (written ? 1 : 0);
}

}  // namespace

PackedTask packed(const JournalTask& task) {
  PackedTask out;
  out.seq = task.seq;
  out.key = task.key;
  out.payload = task.payload;
  out.exec_ms = task.exec_ms;
  out.backoff_ms = task.backoff_ms;
  out.backoff_most_ms = task.backoff_most_ms;
  out.max_attempts = task.max_attempts;
  out.max_losses = task.max_losses;
  out.sink = task.sink;
  out.wanted = task.wanted;
  return out;
}

Backlog::Backlog(SeqIndex& numbers, const PackedTask& standard, std::uint32_t sinks,
                 std::uint32_t run_tasks)
    : numbers_(numbers),
      standard_(standard),
      sinks_(std::max(sinks, 1U)),
      run_tasks_(std::max(run_tasks, 1U)) {}

void Backlog::spill_beyond(std::size_t most, Loader loader) {
  most_memory_ = most;
  load_ = std::move(loader);
}

// --- in ------------------------------------------------------------------------

void Backlog::put(std::uint32_t type, std::uint32_t priority, const PackedTask& task) {
  add(type, priority, task, true);
}

void Backlog::put_written(std::uint32_t type, std::uint32_t priority, const PackedTask& task) {
  add(type, priority, task, false);
}

void Backlog::add(std::uint32_t type, std::uint32_t priority, const PackedTask& task,
                  bool in_memory) {
  Level& to = level(type, priority);
  const Run run = run_for(to, type, task.bytes(), in_memory);
  Body& body = runs_[run];
  if (body.entries == 0) {
    body.first = body.low = body.high = task.seq;
    body.last = raw(task.seq);
  }
  body.low = std::min(body.low, task.seq);
  body.high = std::max(body.high, task.seq);
  ++body.entries;
  ++body.tasks;
  body.bytes += task.bytes();
  ++count_;
  ++to.count;
  ++queues_[type].count;
  numbers_.move(task.seq, place_of(run, !in_memory));
  if (!in_memory) {
    ++spilled_;
    spilled_bytes_ += task.bytes();
    return;
  }
  ++body.unwritten;
  bytes_ += task.bytes();
  pack(body, task);
}

Backlog::Level& Backlog::level(std::uint32_t type, std::uint32_t priority) {
  if (queues_.size() <= type) queues_.resize(type + 1);
  std::vector<Level>& levels = queues_[type].levels;
  const auto at = std::find_if(levels.begin(), levels.end(),
                               [&](const Level& l) { return l.priority <= priority; });
  if (at != levels.end() && at->priority == priority) return *at;
  return *levels.insert(at, Level{priority, 0, {}});
}

// The run at the end of the queue, or a new one where that is full, or of the other kind.
Backlog::Run Backlog::run_for(Level& level, std::uint32_t type, std::size_t bytes, bool in_memory) {
  if (!level.runs.empty()) {
    Body& last = runs_[level.runs.back()];
    const std::size_t used = in_memory ? last.packed.size() : last.bytes;
    if (!last.closed && last.in_memory == in_memory && last.entries < run_tasks_ &&
        used + bytes + kMostNumbers <= kRunBytes)
      return level.runs.back();
    close(level.runs.back());
  }
  Run run = static_cast<Run>(runs_.size());
  if (free_.empty()) {
    SLUICE_ASSERT(run < kMostRuns);
    runs_.emplace_back();
  } else {
    run = free_.back();
    free_.pop_back();
  }
  Body& body = runs_[run];
  body.type = type;
  body.priority = level.priority;
  body.in_memory = in_memory;
  level.runs.push_back(run);
  return run;
}

// It takes nothing more, and no more memory than it needs.
void Backlog::close(Run run) {
  Body& body = runs_[run];
  body.closed = true;
  memory_ -= body.packed.capacity();
  body.packed.shrink_to_fit();
  memory_ += body.packed.capacity();
  if (body.in_memory && body.unwritten == 0) spillable_.push_back(run);
}

// A packed task does not move until its run is closed: there is room for all that will be in it.
void Backlog::pack(Body& body, const PackedTask& task) {
  std::vector<std::byte>& out = body.packed;
  if (out.capacity() == 0) {
    out.reserve(std::max(kRunBytes, task.bytes() + kMostNumbers));
    memory_ += out.capacity();
  }
  const bool odd =
      task.exec_ms != standard_.exec_ms || task.max_attempts != standard_.max_attempts ||
      task.max_losses != standard_.max_losses || task.backoff_ms != standard_.backoff_ms ||
      task.backoff_most_ms != standard_.backoff_most_ms || task.sink != raw(task.seq) % sinks_;
  put_number(out, folded(raw(task.seq) - body.last));
  body.last = raw(task.seq);
  put_number(out, task.payload.size() << kFlagBits | (task.key.empty() ? 0 : kKey) |
                      (task.wanted ? kWanted : 0) | (odd ? kOdd : 0));
  if (!task.key.empty()) {
    put_number(out, task.key.size());
    put_bytes(out, as_bytes(task.key));
  }
  if (odd) {
    for (const std::uint64_t value : {task.exec_ms, task.backoff_ms, task.backoff_most_ms})
      put_number(out, value);
    for (const std::uint32_t value : {task.max_attempts, task.max_losses, task.sink})
      put_number(out, value);
  }
  put_bytes(out, task.payload);
}

void Backlog::unpack(const Body& body, Cursor& at, PackedTask& task) const {
  task = standard_;
  at.last += unfolded(take_number(body.packed, at.at));
  task.seq = static_cast<Seq>(at.last);
  task.sink = static_cast<std::uint32_t>(at.last % sinks_);
  const std::uint64_t head = take_number(body.packed, at.at);
  task.wanted = (head & kWanted) != 0;
  if ((head & kKey) != 0) {
    const std::uint64_t size = take_number(body.packed, at.at);
    task.key = as_text(take_bytes(body.packed, at.at, size));
  }
  if ((head & kOdd) != 0) {
    for (std::uint64_t* value : {&task.exec_ms, &task.backoff_ms, &task.backoff_most_ms})
      *value = take_number(body.packed, at.at);
    for (std::uint32_t* value : {&task.max_attempts, &task.max_losses, &task.sink})
      *value = static_cast<std::uint32_t>(take_number(body.packed, at.at));
  }
  task.payload = take_bytes(body.packed, at.at, head >> kFlagBits);
}

// --- out -----------------------------------------------------------------------

std::optional<Backlog::Front> Backlog::front(std::uint32_t type) {
  if (type >= queues_.size() || queues_[type].count == 0) return std::nullopt;
  std::vector<Level>& levels = queues_[type].levels;
  while (!levels.empty()) {
    std::deque<Run>& runs = levels.front().runs;
    if (runs.empty()) {
      levels.erase(levels.begin());
    } else if (const Run run = runs.front(); runs_[run].tasks == 0) {
      runs.pop_front();
      runs_[run] = Body{};
      free_.push_back(run);
    } else {
      return Front{run, levels.front().priority, runs_[run].first};
    }
  }
  return std::nullopt;
}

const Backlog::Level* Backlog::find_level(std::uint32_t type, std::uint32_t priority) const {
  if (type >= queues_.size()) return nullptr;
  for (const Level& level : queues_[type].levels)
    if (level.priority == priority) return &level;
  return nullptr;
}

std::uint64_t Backlog::count(std::uint32_t type, std::uint32_t priority) const {
  const Level* const at = find_level(type, priority);
  return at == nullptr ? 0 : at->count;
}

std::uint64_t Backlog::count(std::uint32_t type) const {
  return type < queues_.size() ? queues_[type].count : 0;
}

Backlog::Run Backlog::run_of(Seq seq) const {
  const std::uint32_t place = numbers_.find(seq);
  return SeqIndex::is_far(place) ? (place - SeqIndex::kFar) / 2 : kMostRuns;
}

// Shows the tasks of a run that are in it still, until `visit` says that it has seen enough.
bool Backlog::each(Run run, const std::function<bool(const PackedTask&)>& visit) {
  if (!runs_[run].in_memory) {
    bool more = true;
    load_({runs_[run].low, runs_[run].high}, runs_[run].tasks, [&](const PackedTask& found) {
      if (run_of(found.seq) != run) return false;
      PackedTask task = found;
      task.sink %= sinks_;
      more = more && visit(task);
      return true;
    });
    return !more;
  }
  Cursor at{0, raw(runs_[run].first)};
  PackedTask task;
  while (at.at < runs_[run].packed.size()) {
    unpack(runs_[run], at, task);
    if (run_of(task.seq) == run && !visit(task)) return true;
  }
  return false;
}

// What is known of a task, which is no longer here.
Backlog::Entry Backlog::leave(Run run, const PackedTask& task) {
  Body& body = runs_[run];
  Entry out{body.type, body.priority, numbers_.find(task.seq) == place_of(run, true), task};
  --body.tasks;
  body.bytes -= task.bytes();
  if (!out.written && --body.unwritten == 0 && body.closed) spillable_.push_back(run);
  --count_;
  --queues_[body.type].count;
  --level(body.type, body.priority).count;
  if (body.in_memory) {
    bytes_ -= task.bytes();
  } else {
    --spilled_;
    spilled_bytes_ -= task.bytes();
  }
  numbers_.move(task.seq, SeqIndex::kReserved);
  return out;
}

void Backlog::open(Run run, const Take& take) {
  runs_[run].closed = true;
  each(run, [&](const PackedTask& task) {
    take(leave(run, task));
    return true;
  });
  SLUICE_ASSERT(runs_[run].tasks == 0);
  give_up(run);
}

void Backlog::take_out(Seq seq, const Take& take) {
  const Run run = run_of(seq);
  const bool found = each(run, [&](const PackedTask& task) {
    if (task.seq != seq) return true;
    take(leave(run, task));
    return false;
  });
  SLUICE_ASSERT(found);
  if (runs_[run].tasks == 0) give_up(run);
}

// Nothing is left of it. It stands in its queue until it comes to the front.
void Backlog::give_up(Run run) {
  runs_[run].closed = true;
  drop_bytes(run);
}

void Backlog::drop_bytes(Run run) {
  std::vector<std::byte>& packed = runs_[run].packed;
  memory_ -= packed.capacity();
  std::vector<std::byte>().swap(packed);
  if (read_run_ == run) read_at_ = {};
}

// --- the journal -----------------------------------------------------------------

Backlog::Entry Backlog::read(Seq seq) {
  const std::uint32_t place = numbers_.find(seq);
  const Run run = run_of(seq);
  SLUICE_ASSERT(run < runs_.size() && runs_[run].in_memory);
  const Body& body = runs_[run];
  Entry out{body.type, body.priority, place == place_of(run, true), {}};
  if (read_run_ != run || read_at_.at == 0) read_at_ = {0, raw(body.first)};
  read_run_ = run;
  for (int rounds = 0; rounds < 2; ++rounds) {
    while (read_at_.at < body.packed.size()) {
      unpack(body, read_at_, out.task);
      if (out.task.seq == seq) return out;
    }
    read_at_ = {0, raw(body.first)};
  }
  SLUICE_ASSERT(false);
  return out;
}

void Backlog::set_written(Seq seq, bool is_written) {
  const Run run = run_of(seq);
  SLUICE_ASSERT(numbers_.find(seq) == place_of(run, !is_written));
  Body& body = runs_[run];
  numbers_.move(seq, place_of(run, is_written));
  if (!is_written) {
    ++body.unwritten;
  } else if (--body.unwritten == 0 && body.closed) {
    spillable_.push_back(run);
  }
}

void Backlog::written(Seq seq) { set_written(seq, true); }
void Backlog::not_written(Seq seq) { set_written(seq, false); }

// What comes next was taken first and stays; the last ones go as soon as they are full.
void Backlog::spill() {
  for (; !spillable_.empty(); spillable_.pop_back()) {
    const Run run = spillable_.back();
    Body& body = runs_[run];
    const bool may = body.tasks > 0 && body.closed && body.in_memory && body.unwritten == 0;
    if (!may || !load_ || memory_ <= most_memory_) continue;
    bytes_ -= body.bytes;
    spilled_bytes_ += body.bytes;
    spilled_ += body.tasks;
    body.in_memory = false;
    drop_bytes(run);
  }
}

}  // namespace sluice::core
