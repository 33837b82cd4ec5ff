// journal_model.cpp: turns since the last sync, and which of them may be missing.
// SPDX-License-Identifier: MIT
#include "sim/journal_model.hpp"

#include <algorithm>
#include <string>

#include "sim/truth.hpp"

namespace sluice::sim {
namespace {

using State = JournalModel::State;
using Facts = JournalModel::Facts;
using Changes = std::vector<std::pair<core::Seq, std::optional<Facts>>>;

Changes difference(const State& before, const State& after) {
  Changes out;
  auto a = before.begin();
  auto b = after.begin();
  while (a != before.end() || b != after.end()) {
    if (b == after.end() || (a != before.end() && a->first < b->first)) {
      out.emplace_back((a++)->first, std::nullopt);
    } else if (a == before.end() || b->first < a->first) {
      out.emplace_back(b->first, b->second);
      ++b;
    } else {
      if (a->second != b->second) out.emplace_back(b->first, b->second);
      ++a;
      ++b;
    }
  }
  return out;
}

void apply(State& state, const Changes& changes) {
  for (const auto& [seq, facts] : changes) {
    const auto at = std::lower_bound(state.begin(), state.end(), seq,
                                     [](const auto& one, core::Seq s) { return one.first < s; });
    const bool is_there = at != state.end() && at->first == seq;
    if (!facts && is_there)
      state.erase(at);
    else if (facts && is_there)
      at->second = *facts;
    else if (facts)
      state.insert(at, {seq, *facts});
  }
}

// What is over by now does not tell states apart.
State at_time(State state, core::WallMs now_ms) {
  for (auto& [seq, facts] : state)
    if (facts.not_before_ms <= now_ms) facts.not_before_ms = 0;
  return state;
}

std::string text(const Facts& facts) {
  return std::to_string(facts.executions) + " executions, " + std::to_string(facts.failures) +
         " failures, " + std::to_string(facts.losses) + " losses, not before " +
         std::to_string(facts.not_before_ms) + (facts.wanted ? ", wanted" : "") +
         (facts.cancel ? ", cancelled" : "") + (facts.suspect ? ", suspect" : "") +
         (facts.settling ? ", settling" : "");
}

std::string first_difference(const State& wanted, const State& found) {
  const Changes changes = difference(wanted, found);
  if (changes.empty()) return "the same";
  const core::Seq seq = changes.front().first;
  const auto of = [seq](const State& state) {
    for (const auto& [each, facts] : state)
      if (each == seq) return text(facts);
    return std::string("nothing");
  };
  return "of number " + std::to_string(core::raw(seq)) + " it had " + of(wanted) +
         "; found: " + of(found);
}

}  // namespace

void JournalModel::appended(State after, Time now) {
  doubtful_.reset();
  if (plan_.keeping == Keeping::always) {
    safe_ = after;
  } else {
    since_.push_back({now, synced_meanwhile_, difference(newest_, after)});
  }
  newest_ = std::move(after);
}

void JournalModel::synced() {
  if (!is_known_) return;
  safe_ = newest_;
  since_.clear();
  synced_meanwhile_ = true;
}

void JournalModel::check_age(Time now) const {
  if (plan_.keeping != Keeping::interval) return;
  const auto oldest =
      std::find_if(since_.begin(), since_.end(), [](const Turn& turn) { return !turn.young; });
  if (oldest == since_.end()) return;
  if (now - oldest->at > plan_.sync_every + std::chrono::milliseconds(1))
    broken("the journal was not synced for longer than --sync says");
}

// How many turns are missing of what may be there; nothing if none fits.
std::optional<std::size_t> JournalModel::find(const State& found, core::WallMs now_ms) const {
  const State wanted = at_time(found, now_ms);
  const auto fits = [&](const State& state) { return at_time(state, now_ms) == wanted; };
  if (doubtful_) {
    if (fits(*doubtful_)) return 0;
    // On a full disk what was taken is left out, the rest of the turn is written.
    State rest = *doubtful_;
    std::erase_if(rest, [&](const auto& entry) {
      const auto at =
          std::lower_bound(newest_.begin(), newest_.end(), entry.first,
                           [](const auto& known, core::Seq seq) { return known.first < seq; });
      return at == newest_.end() || at->first != entry.first;
    });
    if (fits(rest)) return 0;
  }
  if (fits(newest_)) return 0;
  if (!lossy_) return std::nullopt;
  State state = safe_;
  for (std::size_t i = 0; i <= since_.size(); ++i) {
    if (fits(state)) return since_.size() - i;
    if (i < since_.size()) apply(state, since_[i].changes);
  }
  return std::nullopt;
}

void JournalModel::restored(const State& found, core::WallMs now_ms) {
  const auto missing = find(found, now_ms);
  if (!missing)
    broken("a journal gives back what no turn has left: " +
           first_difference(at_time(newest_, now_ms), at_time(found, now_ms)) +
           (lossy_ ? "; what was safe: " +
                         first_difference(at_time(safe_, now_ms), at_time(found, now_ms)) +
                         "; turns since then: " + std::to_string(since_.size())
                   : ""));
  has_lost_ = *missing > 0;
  safe_ = newest_ = found;
  since_.clear();
  doubtful_.reset();
  lossy_ = false;
  is_known_ = true;
}

}  // namespace sluice::sim
