// sink_watch.cpp: sinks that come and go.
// SPDX-License-Identifier: MIT
#include "cli/sink_watch.hpp"

#include <nlohmann/json.hpp>

namespace sluice::cli {

void SinkWatch::look(const std::string& status, Clock::time_point now) {
  const nlohmann::json parsed = nlohmann::json::parse(status);
  for (const auto& seen : parsed.at("sinks")) {
    const auto endpoint = seen.at("endpoint").get<std::string>();
    Sink& sink = sinks_[endpoint];
    if (seen.at("connected").get<bool>()) {
      if (sink.told) info_("sink " + endpoint + " is reached again");
      sink = {};
      continue;
    }
    if (!sink.away) sink = {.away_since = now, .away = true, .told = false};
    if (sink.told || now - sink.away_since < kPatience) continue;
    sink.told = true;
    warn_("sink " + endpoint +
          " cannot be reached: no task can be settled until it is. Is the address right, and does "
          "`sluice sink` run there?");
  }
}

}  // namespace sluice::cli
