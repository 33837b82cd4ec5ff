// collector_watch.cpp: outcomes on their way to the clients that wait for them.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/assert.hpp"
#include "core/collector.hpp"

namespace sluice::core {
namespace {

// What a watcher is told to wait when a table is full.
constexpr std::uint64_t kFullRetryMs = 1'000;
// Seqs that one WATCH may name, so that no message costs more than a turn.
constexpr std::size_t kMostNames = 256;  // types, and workers, in one WATCHED

// The place of `name` in `names`, where it is added if need be.
template <typename Names>
std::uint32_t index_of(Names& names, std::string_view name) {
  const auto at = std::find(names.rbegin(), names.rend(), name);
  if (at != names.rend()) return static_cast<std::uint32_t>(names.rend() - at - 1);
  names.push_back(name);
  return static_cast<std::uint32_t>(names.size() - 1);
}

ErrorMessage refusal(Code code, std::uint64_t retry_ms, const char* text) {
  ErrorMessage answer;
  answer.code = code;
  answer.text = text;
  answer.retry_ms = retry_ms;
  return answer;
}

}  // namespace

void Collector::watch(PeerId from, Session& session, const Envelope& in, const Watch& watch) {
  if (!session.watching) session.watching = std::make_unique<Watching>();
  Watching& watching = *session.watching;
  seen(watching, watch.seen);
  mark_watcher(from, watching);
  std::uint64_t seqs = 0;
  for (const SeqRange& range : watch.ranges) {
    const std::uint64_t more = raw(range.last) - raw(range.first);
    if (more >= kMostWatched || seqs + more + 1 > kMostWatched) {
      send(from, session.sid, in.n, refusal(Code::too_large, 0, "a WATCH names too many tasks"));
      return;
    }
    seqs += more + 1;
  }
  for (const SeqRange& range : watch.ranges) {
    for (std::uint64_t seq = raw(range.first); seq <= raw(range.last); ++seq) {
      if (await(from, watching, {watch.log, static_cast<Seq>(seq)})) continue;
      // Said each time: the watcher asks again for all that it still waits for.
      send(from, session.sid, in.n,
           refusal(Code::busy, kFullRetryMs, "as many tasks are waited for here as may be"));
      return;
    }
  }
}

// False if there is no room. To wait for what is waited for already changes nothing.
bool Collector::await(PeerId from, Watching& watching, const TaskKey& key) {
  if (watching.awaited.count(key) > 0) return true;
  if (watching.awaited.size() >= options_.max_awaited_each ||
      awaiting_.size() >= options_.max_awaited)
    return false;
  const bool is_ready = shelf_.find(key) != nullptr;
  watching.awaited.emplace_hint(watching.awaited.end(), key, is_ready);
  awaiting_.emplace_hint(awaiting_.end(), key, from);
  if (is_ready) {
    watching.ready.push_back(key);
    return true;
  }
  const auto ledger = ledgers_.find(key.log);
  if (ledger != ledgers_.end() && is_stored(ledger->second.find(key.seq))) look_up(key);
  return true;
}

// What a watcher has taken in is nobody's any more. Others that wait for the same look it up.
void Collector::seen(Watching& watching, std::uint64_t n) {
  while (!watching.sent.empty() && watching.sent.front().n <= n) {
    const Watching::Sent& sent = watching.sent.front();
    for (const TaskKey& key : sent.keys) shelf_.remove(key);
    watching.sent_bytes -= sent.bytes;
    watching.sent.pop_front();
  }
}

bool Collector::is_awaited(const TaskKey& key) const {
  if (awaiting_.empty()) return false;
  const auto at = awaiting_.lower_bound({key, PeerId{}});
  return at != awaiting_.end() && at->first == key;
}

void Collector::look_up(const TaskKey& key) {
  if (!looking_.insert(key).second) return;
  ++stats_.lookups;
  out_.lookups.push_back(key);
}

// Just stored. Who began to wait while it was handed to the store left no copy here.
void Collector::shelve(Pending& pending) {
  const TaskKey key{pending.log, pending.seq};
  if (pending.copy) {
    shelf_.put(key, std::move(pending.copy));
    ready(key);
  } else if (is_awaited(key)) {
    look_up(key);
  }
}

void Collector::ready(const TaskKey& key) {
  for (auto at = awaiting_.lower_bound({key, PeerId{}}); at != awaiting_.end() && at->first == key;
       ++at) {
    Watching& watching = *sessions_.find(at->second)->second.watching;
    bool& is_ready = watching.awaited.find(key)->second;
    if (!is_ready) watching.ready.push_back(key);
    is_ready = true;
    mark_watcher(at->second, watching);
  }
}

void Collector::found(const StoreEntry& entry) {
  const TaskKey key{entry.log, entry.outcome.seq};
  if (looking_.erase(key) == 0 || !is_awaited(key)) return;
  shelf_.put(key, std::make_unique<ShelfItem>(entry));
  ready(key);
}

// Its ledger still knows how the task ended, unless its floor has passed: then all are `done`.
void Collector::not_found(const TaskKey& key) {
  if (looking_.erase(key) == 0 || !is_awaited(key)) return;
  ++stats_.gone;
  StoreEntry entry;
  entry.log = key.log;
  entry.outcome.seq = key.seq;
  entry.outcome.flags = kContentGone;
  CollectorLedger& ledger = ledgers_.find(key.log)->second;
  entry.outcome.status = status_of(ledger.find(key.seq));
  if (raw(key.seq) < raw(ledger.floor())) entry.outcome.flags |= kStatusGone;
  shelf_.put(key, std::make_unique<ShelfItem>(entry));
  ready(key);
}

void Collector::mark_watcher(PeerId peer, Watching& watching) {
  if (watching.dirty) return;
  watching.dirty = true;
  dirty_watchers_.push_back(peer);
}

void Collector::flush_watched() {
  for (const PeerId peer : dirty_watchers_) {
    const auto at = sessions_.find(peer);
    if (at == sessions_.end() || !at->second.watching || !at->second.watching->dirty) continue;
    at->second.watching->dirty = false;
    send_watched(peer, at->second);
  }
  dirty_watchers_.clear();
}

// As much as the watcher may have unacknowledged; the rest goes when it has acknowledged some.
void Collector::send_watched(PeerId to, Session& session) {
  Watching& watching = *session.watching;
  while (!watching.ready.empty() && watching.sent_bytes < options_.watched_window_bytes) {
    Watched out;
    Watching::Sent sent;
    while (!watching.ready.empty()) {
      const TaskKey key = watching.ready.front();
      const ShelfItem* const item = shelf_.find(key);
      if (item == nullptr) {  // pushed off, or another watcher has acknowledged it
        watching.awaited.find(key)->second = false;
        look_up(key);
      } else {
        if (!append(out, sent.bytes, key, *item)) break;
        sent.bytes += item->cost;
        sent.keys.push_back(key);
        watching.awaited.erase(key);
        awaiting_.erase({key, to});
      }
      watching.ready.pop_front();
    }
    if (sent.keys.empty()) return;
    stats_.watched += sent.keys.size();
    sent.n = ++watching.last_n;
    watching.sent_bytes += sent.bytes;
    watching.sent.push_back(std::move(sent));
    send(to, session.sid, watching.last_n, std::move(out));
  }
}

// False if it belongs into another message than those before it.
bool Collector::append(Watched& out, std::size_t bytes, const TaskKey& key,
                       const ShelfItem& item) const {
  Outcomes& outcomes = out.outcomes;
  if (outcomes.entries.empty())
    outcomes.log = key.log;
  else if (outcomes.log != key.log || bytes + item.cost > kBatchBytes ||
           outcomes.entries.size() >= options_.frame.max_entries ||
           outcomes.types.size() >= kMostNames || out.workers.size() >= kMostNames)
    return false;
  OutcomeEntry& entry = outcomes.entries.emplace_back(item.outcome);
  entry.type_index = index_of(outcomes.types, item.type);
  out.worker_index.push_back(index_of(out.workers, item.worker));
  return true;
}

void Collector::forget_watching(PeerId peer, const Watching& watching) {
  for (const auto& [key, is_ready] : watching.awaited) awaiting_.erase({key, peer});
}

}  // namespace sluice::core
