// endpoint_fuzz.cpp: any text as an address.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>

#include "fuzz/fuzz.hpp"
#include "net/endpoint.hpp"

using namespace sluice;

SLUICE_FUZZ(endpoint) {
  using fuzz::require;
  using net::Endpoint;
  const std::string_view text = fuzz::text_of(input);
  try {
    const Endpoint endpoint = Endpoint::parse(text);
    const Endpoint again = Endpoint::parse(endpoint.text());
    require(again == endpoint, "an endpoint reads as it is written");
    require(!(endpoint.is_any_host() && endpoint.is_loopback()), "all interfaces are not one");
    const bool tcp = endpoint.transport == Endpoint::Transport::tcp;
    require(tcp || (endpoint.is_literal() && endpoint.is_loopback()), "a path is on this machine");
    require(endpoint.with_port(7).port == (tcp ? 7 : 0), "only tcp has a port");
    endpoint.require_connectable();
    require(!tcp || endpoint.port != 0, "one connects to a port");
  } catch (const Error& error) {
    for (const char* c = error.what(); *c != '\0'; ++c)
      require(*c >= ' ' && *c <= '~', "a message holds nothing that a terminal would obey");
  }
  try {
    const Endpoint base{Endpoint::Transport::tcp, "head", 5570, {}};
    const Endpoint other = base.with_host(text);
    require(Endpoint::parse(other.text()) == other, "another host can be written, too");
  } catch (const Error&) {
  }
}
