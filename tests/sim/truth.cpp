// truth.cpp: facts, and which of them exclude each other.
// SPDX-License-Identifier: MIT
#include "sim/truth.hpp"

#include <algorithm>
#include <charconv>

#include "store/outcome_line.hpp"

namespace sluice::sim {
namespace {

constexpr std::string_view kLostWorkers = "its worker was lost";

std::string_view name(core::Status status) {
  constexpr std::string_view kNames[] = {"done", "failed", "expired", "cancelled"};
  return kNames[static_cast<std::size_t>(status) & 3U];
}

std::optional<std::uint32_t> number_at(std::string_view text, std::size_t at) {
  std::uint32_t number = 0;
  if (at >= text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

void broken(const std::string& what) { throw Broken(what); }

std::string name_of(std::uint32_t token) { return "task #" + std::to_string(token); }
std::string name_of(const core::Log& log, core::Seq seq) { return core::display_id(log, seq); }

std::string payload_of(const Plan& plan, std::uint32_t token) {
  // A twin repeats the payload of the other byte for byte, or it would be another task.
  const TaskPlan& task = plan.tasks[token];
  if (task.twin > 0 && !task.conflicts) return payload_of(plan, task.twin - 1);
  std::string text = "p" + std::to_string(token) + ".";
  text.resize(text.size() + task.size, static_cast<char>('a' + token % 26));
  return text;
}

std::optional<std::uint32_t> token_of(core::Bytes payload) {
  const std::string_view text = core::as_text(payload);
  if (text.empty() || text[0] != 'p') return std::nullopt;
  return number_at(text, 1);
}

std::string result_of(const Plan& plan, std::uint32_t token, std::uint32_t attempt) {
  const TaskPlan& task = plan.tasks[token];
  std::string text = "r" + std::to_string(token) + "." + std::to_string(attempt) + ".";
  if (task.conduct == Conduct::too_large)
    text.resize(70'000, 'x');
  else
    text.resize(text.size() + task.size / 2, token % 3 == 0 ? '\xff' : 'z');
  return text;
}

std::optional<std::uint32_t> token_of_result(core::Bytes result) {
  const std::string_view text = core::as_text(result);
  if (text.empty() || text[0] != 'r') return std::nullopt;
  return number_at(text, 1);
}

// --- ventilators --------------------------------------------------------------

void Truth::log_begins(const core::Log& log, Host host) {
  logs_[log].host = host;
}

void Truth::log_halted(const core::Log& log) {
  for (auto& [seq, it] : logs_[log].tasks)
    if (!it.settled) it.cancel_asked = true;
}

void Truth::next_life(const core::Log& log, core::Epoch epoch) {
  LogTruth& where = logs_[log];
  if (epoch <= where.epoch) broken("a ventilator has an epoch that another one had before");
  where.epoch = epoch;
  where.leases.clear();  // their numbers are of an epoch
}

void Truth::restored(const core::Log& log, const std::vector<core::Seq>& seqs, bool may_lose) {
  LogTruth& where = logs_[log];
  for (const core::Seq seq : seqs) {
    Task& it = task(log, seq, "a journal");
    if (it.lost) broken(name_of(it.token) + " came back from a journal that had lost it");
  }
  for (auto& [seq, it] : where.tasks) {
    if (it.lost) continue;
    if (may_lose) it.unexplained.clear();
    if (std::binary_search(seqs.begin(), seqs.end(), seq))
      it.settled = false;
    else if (!it.settled)
      lose(where, log, seq, may_lose);
  }
  // What was taken and settled in the lost turns has gone with its key.
  if (may_lose)
    std::erase_if(where.keys, [&](const auto& key) {
      return !std::binary_search(seqs.begin(), seqs.end(), key.second.first);
    });
}

void Truth::lose(LogTruth& where, const core::Log& log, core::Seq seq, bool may_lose) {
  Task& it = where.tasks[seq];
  it.lost = true;
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    Token& token = tokens_[i];
    const auto accepted = token.accepted.find(log);
    if (accepted != token.accepted.end() && accepted->second.erase(seq) > 0 &&
        accepted->second.empty())
      token.accepted.erase(accepted);
    if (!token.answer || token.log != log || token.seq != seq) continue;
    if (!may_lose)
      broken(name_of(i) + " (" + name_of(log, seq) +
             ") was confirmed, but its journal has lost it");
    token.lost = true;
  }
  std::erase_if(where.keys, [seq](const auto& key) { return key.second.first == seq; });
}

void Truth::may_run_again(const core::Log& log, core::Seq seq, std::optional<Life> holder) {
  Task& it = logs_[log].tasks[seq];
  it.unexplained.clear();
  if (holder) it.overtaken.insert(*holder);
}

void Truth::log_ends(const core::Log& log) { logs_[log].alive = false; }

bool Truth::is_alive(const core::Log& log) const {
  const auto at = logs_.find(log);
  return at != logs_.end() && at->second.alive;
}

std::uint32_t Truth::first_of(std::uint32_t token) const {
  const TaskPlan& plan = plan_.tasks[token];
  return plan.twin > 0 && !plan.conflicts ? plan.twin - 1 : token;
}

Truth::Task& Truth::task(const core::Log& log, core::Seq seq, const char* who) {
  const auto at = logs_.find(log);
  if (at == logs_.end()) broken(std::string(who) + " speaks of a log that nobody has");
  const auto found = at->second.tasks.find(seq);
  if (found == at->second.tasks.end())
    broken(std::string(who) + " speaks of " + name_of(log, seq) + ", which nobody accepted");
  return found->second;
}

void Truth::accepted(const core::Log& log, core::Seq seq, core::Bytes payload,
                     std::string_view key, Time now) {
  const auto token = token_of(payload);
  if (!token || *token >= tokens_.size()) broken("a task with a payload that nobody submitted");
  LogTruth& where = logs_[log];
  if (core::as_text(payload) != payload_of(plan_, *token))
    broken(name_of(*token) + " was accepted with another payload");
  // Twins share a payload; the dedup by key is checked below, that by number here.
  const TaskPlan& plan = plan_.tasks[*token];
  if (key != plan.key) broken(name_of(*token) + " was accepted under another key");
  if (key.empty() && tokens_[*token].accepted.count(log) > 0)
    broken(name_of(*token) + " was accepted twice by one log, as " + name_of(log, seq));
  if (!key.empty()) {
    const auto known = where.keys.find(std::string(key));
    // The clock of a ventilator is that of the dedup window: half of it is always remembered.
    if (known != where.keys.end() &&
        now - known->second.second < core::DispatcherOptions{}.dedup_window / 2)
      broken(name_of(*token) + ": its key was accepted twice within the dedup window");
    where.keys[std::string(key)] = {seq, now};
  }
  tokens_[*token].accepted[log].insert(seq);
  Task& fresh = where.tasks[seq];
  if (fresh.accepted != Time{}) broken("the number " + name_of(log, seq) + " was given twice");
  fresh.token = *token;
  fresh.accepted = now;
}

void Truth::cancel_asked(const core::Log& log, core::Seq seq) {
  logs_[log].tasks[seq].cancel_asked = true;
}

void Truth::losses(const core::Log& log, core::Seq seq, std::uint32_t count) {
  Task& it = logs_[log].tasks[seq];
  it.losses = std::max(it.losses, count);
}

void Truth::sent(const core::Log& log, const core::TaskEntry& entry, Life to) {
  Task& it = task(log, entry.seq, "TASKS");
  if (it.settled) broken(name_of(it.token) + " was sent to a worker although it is settled");
  if (!logs_[log].leases.insert(entry.lease).second)
    broken(name_of(it.token) + " was leased under a number that was used before");
  if (core::as_text(entry.payload) != payload_of(plan_, it.token))
    broken(name_of(it.token) + " was sent with another payload");
  ++it.sends[to];
}

core::Status Truth::settled(const core::Log& log, core::Seq seq) {
  Task& it = task(log, seq, "a ventilator");
  if (!it.stored)
    broken(name_of(it.token) + " (" + name_of(log, seq) +
           ") is settled, but no disk has its outcome");
  if (it.settled) broken(name_of(it.token) + " was settled twice");
  if (it.lost) broken(name_of(it.token) + " was settled, but its journal had lost it");
  it.settled = true;
  return it.stored->status;
}

// --- workers --------------------------------------------------------------------

void Truth::started(Life life, const core::Log& log, core::Seq seq, std::uint32_t attempt,
                    core::Bytes payload, std::string_view key) {
  Task& it = task(log, seq, "a worker");
  ++executions_;
  if (core::as_text(payload) != payload_of(plan_, it.token))
    broken(name_of(it.token) + " runs with another payload");
  if (key != plan_.tasks[it.token].key) broken(name_of(it.token) + " runs with another key");
  if (attempt == 0) broken(name_of(it.token) + " runs as attempt 0");
  const bool late = it.overtaken.count(life) > 0;
  for (const Life& before : it.unexplained)
    if (!late && dead_workers_.count(before) == 0)
      broken(name_of(it.token) + " (" + name_of(log, seq) +
             ") is run again, but nothing has happened to its first run");
  if (!late) it.unexplained.push_back(life);
  if (++it.starts[life] > it.sends[life])
    broken(name_of(it.token) + " was started more often than it was sent to that worker");
}

void Truth::ended_ok(const core::Log& log, core::Seq seq, std::uint32_t attempt) {
  task(log, seq, "a worker").ok_attempts.insert(attempt);
}

void Truth::stopped(Life life, const core::Log& log, core::Seq seq) {
  std::erase(task(log, seq, "a worker").unexplained, life);
}

void Truth::failed(const core::Log& log, core::Seq seq) { ++task(log, seq, "a worker").failures; }

// "A worker acks only what the sink has confirmed."
void Truth::acked(const core::Log& log, const core::AckEntry& entry) {
  const Task& it = task(log, entry.seq, "an ACK");
  if (!it.stored)
    broken(name_of(it.token) + " was acked, but no disk has its outcome");
  // Below the floor a sink has forgotten the status, and nobody asks for it.
  if (it.stored->status != entry.status && raw(entry.seq) >= logs_[log].floor)
    broken(name_of(it.token) + " was acked as " + std::string(name(entry.status)) +
           ", but what is stored is " + std::string(name(it.stored->status)));
}

// --- sinks ------------------------------------------------------------------------

void Truth::on_disk(Host sink, std::string_view content) {
  std::size_t& at = read_[sink];
  for (std::size_t end = content.find('\n', at); end != std::string_view::npos;
       end = content.find('\n', at)) {
    read_line(sink, content.substr(at, end - at));
    at = end + 1;
  }
}

void Truth::read_line(Host sink, std::string_view line) {
  const auto read = store::read_whole_outcome(line);
  if (!read) broken("a line of an outcome file cannot be read: " + std::string(line));
  const core::Log& log = read->outcome.id.log;
  const core::Seq seq{read->outcome.id.seq};
  Task& it = task(log, seq, "an outcome");
  if (it.stored) broken(name_of(it.token) + " (" + name_of(log, seq) + ") was stored twice");
  Stored stored;
  stored.status = static_cast<core::Status>(read->outcome.status);
  stored.sink = sink;
  stored.error = read->outcome.error;
  stored.result.assign(core::as_text(read->outcome.result));
  if (read->outcome.key != plan_.tasks[it.token].key)
    broken(name_of(it.token) + " was stored under another key");
  explain(it, stored, *read);
  it.stored = std::move(stored);
  ++stored_count_;
}

// An outcome must have a cause.
void Truth::explain(const Task& it, const Stored& stored,
                    const store::StoredOutcome& line) const {
  const TaskPlan& plan = plan_.tasks[it.token];
  const std::string who = name_of(it.token);
  const std::uint32_t attempts =
      plan.max_attempts > 0 ? plan.max_attempts : plan_.retry.max_attempts;
  switch (stored.status) {
    case core::Status::done:
      if (it.ok_attempts.count(line.outcome.attempt) == 0)
        broken(who + " is stored as done, but that attempt has not succeeded");
      if (stored.result != result_of(plan_, it.token, line.outcome.attempt))
        broken(who + " is stored with a result that its handler did not return");
      return;
    case core::Status::expired:
      if (plan.ttl_ms == 0) broken(who + " is stored as expired, but may live for ever");
      return;
    case core::Status::cancelled:
      if (!it.cancel_asked)
        broken(who + " is stored as cancelled, but nobody asked for it");
      return;
    case core::Status::failed: break;
  }
  const bool lost = stored.error.find(kLostWorkers) != std::string::npos;
  if (lost && it.losses < plan_.retry.max_losses)
    broken(who + " failed for its workers' losses, of which it had " + std::to_string(it.losses));
  if (lost) return;
  switch (plan.conduct) {
    case Conduct::succeed:
    case Conduct::poison: broken(who + " is stored as failed, but its handler never fails it");
    case Conduct::fail_first:
    case Conduct::retry:
    case Conduct::timeout:
      if (it.failures < attempts)
        broken(who + " failed after " + std::to_string(it.failures) + " attempts of " +
               std::to_string(attempts));
      return;
    case Conduct::fatal:
    case Conduct::undecodable:
    case Conduct::too_large:
    case Conduct::rejected: return;
  }
}

void Truth::confirmed(const core::Log& log, core::Seq seq, std::optional<core::Status> stored) {
  Task& it = task(log, seq, "a CONFIRM");
  if (it.lost && !it.stored) return;  // it is below the floor, and counts as over
  if (!it.stored) broken(name_of(it.token) + " was confirmed, but is not on the disk");
  if (stored && *stored != it.stored->status && raw(seq) >= logs_[log].floor)
    broken(name_of(it.token) + " was confirmed with a status that is not the stored one");
  it.stored->confirmed = true;
}

void Truth::floor_told(const core::Log& log, core::Seq floor) {
  LogTruth& where = logs_[log];
  where.floor = std::max(where.floor, raw(floor));
  for (const auto& [seq, it] : where.tasks)
    if (seq < floor && !it.settled && !it.lost)
      broken(name_of(it.token) + " is below the floor, but not settled");
}

void Truth::read_back(Host sink, std::string_view content) {
  std::set<core::TaskKey> there;
  for (std::size_t at = 0, end = 0; (end = content.find('\n', at)) != std::string_view::npos;
       at = end + 1) {
    if (const auto facts = store::read_outcome_line(content.substr(at, end - at)))
      there.insert(core::TaskKey{facts->id.log, core::Seq{facts->id.seq}});
  }
  for (const auto& [log, where] : logs_)
    for (const auto& [seq, it] : where.tasks)
      if (it.stored && it.stored->sink == sink && it.stored->confirmed &&
          there.count({log, seq}) == 0)
        broken(name_of(it.token) + " was confirmed, but its sink has forgotten it");
}

// --- clients ------------------------------------------------------------------------

void Truth::submitted(std::uint32_t token, Life by) {
  tokens_[token].submitted = true;
  tokens_[token].by = by;
}

void Truth::answered(std::uint32_t token, core::Code code, const core::Log& log, core::Seq seq) {
  Token& it = tokens_[token];
  const TaskPlan& plan = plan_.tasks[token];
  if (it.answer) broken(name_of(token) + " was answered twice");
  it.answer = code;
  it.log = log;
  it.seq = seq;
  switch (code) {
    case core::Code::ok:
      if (tokens_[first_of(token)].accepted[log].count(seq) == 0)
        broken(name_of(token) + " was confirmed as " + name_of(log, seq) + ", but is not");
      return;
    case core::Code::duplicate: {
      const Task& first = task(log, seq, "a DUPLICATE");
      if (plan.key.empty() || plan_.tasks[first.token].key != plan.key)
        broken(name_of(token) + " was answered with a task of another key");
      return;
    }
    case core::Code::conflict:
      if (plan.key.empty()) broken(name_of(token) + " has a conflict, but no key");
      return;
    case core::Code::draining: return;
    default:
      broken(name_of(token) + " was refused with code " +
             std::to_string(static_cast<unsigned>(code)));
  }
}

void Truth::outcome_came(std::uint32_t token, const core::Log& log,
                         const core::OutcomeEntry* outcome) {
  Token& it = tokens_[token];
  if (it.outcome_came) broken(name_of(token) + ": its outcome was told twice");
  if (!it.answer) broken(name_of(token) + ": its outcome was told before it was confirmed");
  it.outcome_came = true;
  if (it.lost) return;  // nobody knows of it
  if (outcome == nullptr) {  // given up
    if (is_alive(it.log)) broken(name_of(token) + " was given up, but its log is alive");
    return;
  }
  if (log != it.log || outcome->seq != it.seq)
    broken(name_of(token) + " was told the outcome of another task");
  const Task& stored = task(log, outcome->seq, "a WATCHED");
  if (!stored.stored) broken(name_of(token) + ": an outcome was told that no disk has");
  if ((outcome->flags & core::kContentGone) != 0)
    broken(name_of(token) + ": its outcome is said to be gone, but it is in the file");
  if (outcome->status != stored.stored->status)
    broken(name_of(token) + " was told another status than the stored one");
  if (outcome->status == core::Status::done &&
      core::as_text(outcome->payload) != stored.stored->result)
    broken(name_of(token) + " was told another result than the stored one");
}

void Truth::client_died(Life life) {
  for (Token& token : tokens_)
    if (token.submitted && token.by == life) token.orphaned = true;
}

const Truth::Task* Truth::find(std::uint32_t token) const {
  const Task* found = nullptr;
  for (const auto& [log, where] : logs_)
    for (const auto& [seq, it] : where.tasks)
      if (it.token == token && (found == nullptr || where.alive)) found = &it;
  return found;
}

std::optional<core::Status> Truth::stored(std::uint32_t token) const {
  const Task* const it = find(token);
  if (it == nullptr || !it->stored) return std::nullopt;
  return it->stored->status;
}

std::string Truth::stored_error(std::uint32_t token) const {
  const Task* const it = find(token);
  return it == nullptr || !it->stored ? std::string() : it->stored->error;
}

bool Truth::is_settled(std::uint32_t token) const {
  const Task* const it = find(token);
  return it != nullptr && it->settled;
}

std::uint32_t Truth::times_started(std::uint32_t token) const {
  std::uint32_t count = 0;
  for (const auto& [log, where] : logs_)
    for (const auto& [seq, it] : where.tasks)
      if (it.token == token)
        for (const auto& [life, starts] : it.starts) count += starts;
  return count;
}

std::uint64_t Truth::lost_with_log() const {
  std::uint64_t count = 0;
  for (const auto& [log, where] : logs_)
    for (const auto& [seq, it] : where.tasks) count += !it.stored && !where.alive ? 1U : 0U;
  return count;
}

// "Every accepted task gets exactly one outcome record, as long as the ventilator's process and
// the sink's file live."
void Truth::finish() const {
  for (const auto& [log, where] : logs_) {
    if (!where.alive) continue;
    for (const auto& [seq, it] : where.tasks) {
      if (it.lost) continue;
      if (!it.stored) broken(name_of(it.token) + " was accepted, and has no outcome");
      if (!it.settled) broken(name_of(it.token) + " has an outcome, and is not settled");
    }
  }
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (!token.submitted || token.orphaned) continue;
    if (!token.answer) broken(name_of(i) + " was submitted and never answered");
    const bool taken = *token.answer == core::Code::ok || *token.answer == core::Code::duplicate;
    if (taken && plan_.tasks[i].wanted && !token.outcome_came && !token.lost)
      broken(name_of(i) + ": its client waits for an outcome in vain");
  }
}

}  // namespace sluice::sim
