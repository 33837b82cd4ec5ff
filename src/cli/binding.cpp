// binding.cpp: loopback is open to this machine only; everything else needs a word.
// SPDX-License-Identifier: MIT
#include "cli/binding.hpp"

#include <iostream>

#include "net/endpoint.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {

using net::Endpoint;

std::string exposure(const std::string& endpoint, bool insecure) {
  const Endpoint parsed = Endpoint::parse(endpoint);
  if (parsed.is_loopback()) return {};
  const std::string who =
      (parsed.is_any_host() ? "listening on all interfaces" : "listening on " + parsed.host) +
      " without keys lets anyone who reaches the port run commands as this user";
  if (!insecure) {
    throw Error(who + "; listen on 127.0.0.1, or allow it with --insecure in a network you trust");
  }
  return who + " (--insecure)";
}

void require_loopback_or_insecure(const std::string& endpoint, bool insecure) {
  const std::string warning = exposure(endpoint, insecure);
  if (!warning.empty()) std::cerr << "sluice: warning: " << warning << '\n';
}

std::string exposure_of_role(const std::string& endpoint, bool insecure) {
  if (Endpoint::parse(endpoint).transport == Endpoint::Transport::inproc) {
    throw Error("nobody could reach " + endpoint +
                " from another process; listen on tcp://127.0.0.1:* or ipc://PATH");
  }
  return exposure(endpoint, insecure);
}

std::string sink_beside(const std::string& endpoint) {
  Endpoint parsed = Endpoint::parse(endpoint);
  if (parsed.transport == Endpoint::Transport::tcp) return parsed.with_port(0).text();
  parsed.path += "-sink";
  return Endpoint::parse(parsed.text()).text();
}

}  // namespace sluice::cli
