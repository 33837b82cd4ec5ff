// status_json.cpp: the fields of a ventilator's status.
// SPDX-License-Identifier: MIT
#include "monitor/status_json.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace sluice::monitor {
namespace {

using Json = nlohmann::ordered_json;

double seconds(core::Duration d) { return std::chrono::duration<double>(d).count(); }

// As people see it everywhere: 9f3a1c07-42.
std::string task_name(const core::Log& log, core::Seq seq) {
  return core::hex(log).substr(0, 8) + '-' + std::to_string(core::raw(seq));
}

Json worker_json(const core::WorkerStatus& w, const core::Log& log) {
  Json progress = Json::array();
  for (const auto& p : w.progress)
    progress.push_back({{"task", task_name(log, p.seq)},
                        {"attempt", p.attempt},
                        {"since_s", seconds(p.since)},
                        {"text", p.text}});
  return {{"name", w.name},
          {"agent", w.agent},
          {"session", core::raw(w.sid)},
          {"state", w.phase},
          {"lane", w.push_lane ? "push" : "inline"},
          {"slots", w.slots},
          {"types", w.types},
          {"leased", w.held},
          {"credit", w.credit},
          {"queued", w.queued},
          {"running", w.running},
          {"unconfirmed", w.retained},
          {"done", w.done},
          {"not_done", w.other},
          {"nacked", w.nacked},
          {"returned", w.returned},
          {"quiet_s", seconds(w.quiet)},
          {"up_s", seconds(w.up)},
          {"progress", std::move(progress)}};
}

Json counters_json(const core::DispatcherCounters& c) {
  return {{"submitted", c.submitted},
          {"duplicates", c.duplicates},
          {"conflicts", c.conflicts},
          {"refused", c.refused},
          {"dispatched", c.dispatched},
          {"redelivered", c.redelivered},
          {"losses", c.losses},
          {"nacked", c.nacked},
          {"returned", c.returned},
          {"lane_gaps", c.gaps},
          {"workers_joined", c.workers_joined},
          {"workers_lost", c.workers_lost},
          {"inline_sessions", c.inline_sessions},
          {"lane_failures", c.lane_failures}};
}

Json refused_json(const core::DispatcherCounters& c, const ShellStatus& shell) {
  return {{"bad_frame", c.bad_frames[1]},
          {"bad_version", c.bad_frames[2]},
          {"bad_type", c.bad_frames[3] + c.wrong_message},
          {"too_large", c.bad_frames[4]},
          {"multipart", shell.multipart_dropped},
          {"foreign_routing_id", shell.foreign_ids_dropped},
          {"unknown_session", c.unknown_session},
          {"credit_exceeded", c.credit_exceeded},
          {"peers_ignored", c.ignored_peers}};
}

}  // namespace

std::string status_json(const core::DispatcherStatus& s, const ShellStatus& shell) {
  Json out;
  out["version"] = 1;
  out["name"] = shell.name;
  out["endpoint"] = shell.endpoint;
  out["log"] = core::hex(s.log);
  out["epoch"] = core::raw(s.epoch);
  out["durable"] = shell.journal.has_value();
  if (shell.journal)
    out["journal"] = {{"folder", shell.journal->folder}, {"sync", shell.journal->sync},
                      {"bytes", shell.journal->bytes},   {"turns", shell.journal->turns},
                      {"syncs", shell.journal->syncs},   {"trouble", shell.journal->trouble}};
  if (shell.journal) out["standbys"] = shell.standbys;
  out["recovering"] = s.recovering;
  out["draining"] = s.draining;
  out["up_s"] = shell.up_s;
  out["tasks"] = {{"ready", s.ready},
                  {"delayed", s.delayed},
                  {"leased", s.leased},
                  {"settling", s.settling},
                  {"unsettled", s.tasks},
                  {"done", s.counters.settled[0]},
                  {"failed", s.counters.settled[1]},
                  {"expired", s.counters.settled[2]},
                  {"cancelled", s.counters.settled[3]}};
  out["limits"] = {{"tasks", s.tasks},
                   {"max_tasks", s.max_tasks},
                   {"bytes", s.bytes},
                   {"max_bytes", s.max_bytes},
                   {"spilled", s.spilled},
                   {"spilled_bytes", s.spilled_bytes}};
  out["rates"] = {{"settled_per_s", shell.settled_per_s},
                  {"submitted_per_s", shell.submitted_per_s}};
  out["floor"] = core::raw(s.floor);
  out["next_seq"] = core::raw(s.next);
  out["clients"] = s.clients;
  out["counters"] = counters_json(s.counters);
  out["refused_frames"] = refused_json(s.counters, shell);
  out["sends_retried"] = shell.sends_retried;
  out["types"] = Json::array();
  for (const auto& t : s.types)
    out["types"].push_back({{"type", t.name}, {"ready", t.ready}, {"workers", t.workers}});
  out["workers"] = Json::array();
  for (const auto& w : s.workers) out["workers"].push_back(worker_json(w, s.log));
  out["sinks"] = Json::array();
  for (const auto& k : s.sinks)
    out["sinks"].push_back(
        {{"endpoint", k.endpoint}, {"connected", k.connected}, {"unconfirmed", k.retained}});
  // Names come from peers: what is not UTF-8 is replaced rather than refused.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::monitor
