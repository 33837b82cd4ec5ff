// endpoint.hpp: where a socket listens or connects to.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::net {

/// A checked address: tcp://host:port, ipc://path or inproc://name. Anything else libzmq
/// offers (udp, ws, pgm, ...) is refused: those parts of it have unfixed faults.
struct Endpoint {
  enum class Transport : std::uint8_t { tcp, ipc, inproc };

  Transport transport = Transport::tcp;
  std::string host;        ///< tcp: name, IPv4, IPv6 without brackets, an interface, or "*"
  std::uint16_t port = 0;  ///< tcp: 0 = any free one
  std::string path;        ///< ipc: at most 107 bytes; inproc: the name

  /// Also takes "host:port" for tcp, and "*" as port. Throws Error naming the cure.
  [[nodiscard]] static Endpoint parse(std::string_view text);

  /// As ZeroMQ wants it. IP addresses have one spelling; IPv4 in IPv6 becomes IPv4.
  [[nodiscard]] std::string text() const;

  /// True if nobody on another machine can reach it: 127.0.0.0/8, ::1, localhost, ipc, inproc.
  [[nodiscard]] bool is_loopback() const;
  /// True for tcp on all interfaces: "*", 0.0.0.0 or ::.
  [[nodiscard]] bool is_any_host() const;
  /// True if no name must be looked up to connect: an IP address, ipc or inproc.
  [[nodiscard]] bool is_literal() const;
  [[nodiscard]] bool is_ipv6() const { return host.find(':') != std::string::npos; }

  /// The same with another host, which may stand in brackets; no change unless tcp. What a
  /// ventilator that listens on "*" tells others. Throws Error if `other` is no host.
  [[nodiscard]] Endpoint with_host(std::string_view other) const;
  [[nodiscard]] Endpoint with_port(std::uint16_t other) const;

  /// Throws Error if one cannot connect to it: host "*" or port 0.
  void require_connectable() const;

  bool operator==(const Endpoint&) const = default;
};

/// What others are to be told of an address that is listened on: with the host `advertise`, if
/// there is one, and otherwise with this machine's name instead of "*".
[[nodiscard]] Endpoint advertised_endpoint(const Endpoint& bound, const std::string& advertise);

}  // namespace sluice::net
