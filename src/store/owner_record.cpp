// owner_record.cpp: JSON with a checksum behind it.
// SPDX-License-Identifier: MIT
#include "store/owner_record.hpp"

#include <array>
#include <cstdio>
#include <span>

#include <nlohmann/json.hpp>

#include <sluice/access.hpp>

#include "store/journal_crc.hpp"

namespace sluice::store {
namespace {

using nlohmann::json;

std::string crc_line(std::string_view line) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%08x\n",
                crc32c(0, std::as_bytes(std::span(line.data(), line.size()))));
  return text.data();
}

}  // namespace

OwnerRecord OwnerRecord::of_this_process() {
  const Access self = Access::of_this_process();
  OwnerRecord out;
  out.host = self.host;
  out.process_space = self.process_space;
  out.pid = self.pid;
  return out;
}

bool OwnerRecord::process_is_gone() const {
  Access access;
  access.host = host;
  access.process_space = process_space;
  access.pid = pid;
  return access.process_is_gone();
}

std::string OwnerRecord::who() const {
  return (name.empty() ? "a ventilator" : name) + " (process " + std::to_string(pid) + " on " +
         host + (control.empty() ? "" : ", at " + control) + ")";
}

std::string to_text(const OwnerRecord& record) {
  const json fields = {{"id", record.id},           {"renewals", record.renewals},
                       {"epoch", record.epoch},     {"name", record.name},
                       {"control", record.control}, {"sinks", record.sinks},
                       {"sync", record.sync},       {"failover_ms", record.failover_ms},
                       {"host", record.host},       {"process_space", record.process_space},
                       {"pid", record.pid},         {"since_ms", record.since_ms},
                       {"ended", record.ended},     {"fence_due", record.fence_due}};
  const std::string line = fields.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return line + crc_line(line);
}

std::optional<OwnerRecord> parse_owner_record(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end + 1);
  // What is left behind a shorter text that was written over a longer one is not looked at.
  if (text.substr(end + 1, 9) != crc_line(line)) return std::nullopt;
  try {
    const json fields = json::parse(line);
    OwnerRecord out;
    out.id = fields.at("id").get<std::string>();
    out.renewals = fields.at("renewals").get<std::uint64_t>();
    out.epoch = fields.at("epoch").get<std::uint64_t>();
    out.name = fields.at("name").get<std::string>();
    out.control = fields.at("control").get<std::string>();
    out.sinks = fields.at("sinks").get<std::vector<std::string>>();
    out.sync = fields.at("sync").get<std::string>();
    out.failover_ms = fields.at("failover_ms").get<std::uint64_t>();
    out.host = fields.at("host").get<std::string>();
    out.process_space = fields.at("process_space").get<std::string>();
    out.pid = fields.at("pid").get<std::int64_t>();
    out.since_ms = fields.at("since_ms").get<std::uint64_t>();
    out.ended = fields.at("ended").get<bool>();
    out.fence_due = fields.at("fence_due").get<bool>();
    return out;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace sluice::store
