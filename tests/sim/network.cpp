// network.cpp: connecting, flying, arriving, breaking.
// SPDX-License-Identifier: MIT
#include "sim/network.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

constexpr int kMostDoublings = 6;

// How long an end hears nothing before it gives its connection up: heartbeats of libzmq on
// connecting sockets and lanes, the TTL they ask of a ROUTER, and TCP_MAXRT (src/net).
Duration patience(SocketKind kind) {
  switch (kind) {
    case SocketKind::dealer: return 11s;
    case SocketKind::router: return 21s;
    case SocketKind::push:
    case SocketKind::pull: return 32s;
  }
  return 0s;
}

}  // namespace

SocketId Network::bind(Host host, SocketKind kind, const std::string& address) {
  if (bound_.count(address) > 0) return 0;
  const SocketId id = ++last_socket_;
  Socket& socket = sockets_[id];
  socket.host = host;
  socket.kind = kind;
  socket.address = address;
  bound_[address] = id;
  return id;
}

SocketId Network::connect(Host host, SocketKind kind, const std::string& address) {
  const SocketId id = ++last_socket_;
  Socket& socket = sockets_[id];
  socket.host = host;
  socket.kind = kind;
  socket.address = address;
  timeline_.after(random_.between(100us, 900us), [this, id] { try_connect(id); });
  return id;
}

void Network::try_connect(SocketId id) {
  const auto at = sockets_.find(id);
  if (at == sockets_.end() || !at->second.connections.empty()) return;
  Socket& socket = at->second;
  const auto listener = bound_.find(socket.address);
  const bool reachable =
      listener != bound_.end() && !impaired(socket.host, sockets_[listener->second].host);
  if (!reachable) {
    const Duration wait = 100ms * (1 << std::min(socket.attempts++, kMostDoublings));
    timeline_.after(random_.between(wait / 2, std::min<Duration>(wait, 5s)),
                    [this, id] { try_connect(id); });
    return;
  }
  socket.attempts = 0;
  const std::uint32_t number = ++last_connection_;
  Connection& connection = connections_[number];
  Socket& other = sockets_[listener->second];
  connection.socket = {id, listener->second};
  connection.host = {socket.host, other.host};
  connection.peer = core::PeerId{++last_peer_};
  socket.connections.push_back(number);
  other.connections.push_back(number);
  if (other.kind == SocketKind::router) other.peers[connection.peer] = number;
  if (socket.kind == SocketKind::dealer) socket.events.push_back(LinkEvent::connected);
  wake_(socket.host);
  if (other.kind == SocketKind::push) wake_(other.host);
}

void Network::close(SocketId id, bool linger) {
  const auto at = sockets_.find(id);
  if (at == sockets_.end()) return;
  const std::vector<std::uint32_t> open = at->second.connections;
  for (const std::uint32_t number : open)
    close_end(number, connections_[number].socket[0] == id ? 0 : 1, linger);
  if (const auto bound = bound_.find(at->second.address);
      bound != bound_.end() && bound->second == id)
    bound_.erase(bound);
  sockets_.erase(id);
}

// What is under way arrives as far as chance has it, then the other side learns of the end.
void Network::close_end(std::uint32_t number, int end, bool linger) {
  Connection& connection = connections_[number];
  const auto side = static_cast<std::size_t>(end);
  if (!connection.open[side]) return;
  ended(number, end);
  std::deque<Flight>& mine = connection.flying[side];
  if (!linger && !mine.empty()) {
    const auto keep = static_cast<std::size_t>(random_.below(mine.size() + 1));
    for (std::size_t i = keep; i < mine.size(); ++i)
      if (on_loss)
        on_loss(connection.host[side], connection.host[1 - side], mine[i].frame);
    mine.resize(keep);
  }
  if (connection.open[1 - side]) launch(number, end, Flight{{}, true, {}});
}

// This end of the connection is no more, for whatever reason.
void Network::ended(std::uint32_t number, int end) {
  Connection& connection = connections_[number];
  const auto side = static_cast<std::size_t>(end);
  connection.open[side] = false;
  for (const Flight& lost : connection.flying[1 - side])
    if (on_loss && !lost.is_end)
      on_loss(connection.host[1 - side], connection.host[side], lost.frame);
  connection.flying[1 - side].clear();
  const auto at = sockets_.find(connection.socket[side]);
  if (at != sockets_.end()) {
    Socket& socket = at->second;
    std::erase(socket.connections, number);
    if (socket.kind == SocketKind::router) {
      socket.peers.erase(connection.peer);
      const bool told = connection.spoke[0] && (!hide_departures_ || random_.below(2) == 0);
      if (told) socket.departed.push_back(connection.peer);
    }
    if (socket.kind == SocketKind::dealer) socket.events.push_back(LinkEvent::disconnected);
    if (side == 0) {
      const SocketId id = connection.socket[0];
      timeline_.after(random_.between(80ms, 120ms), [this, id] { try_connect(id); });
    }
    wake_(socket.host);
  }
}

bool Network::send(SocketId id, std::string& frame) {
  Socket& socket = sockets_.at(id);
  if (socket.connections.empty()) return false;
  // A PUSH with several peers serves them in turn.
  const std::uint32_t number = socket.connections[socket.turn++ % socket.connections.size()];
  const int end = connections_[number].socket[0] == id ? 0 : 1;
  launch(number, end, Flight{{}, false, std::move(frame)});
  return true;
}

bool Network::send_to(SocketId id, core::PeerId peer, std::string frame) {
  Socket& socket = sockets_.at(id);
  const auto at = socket.peers.find(peer);
  if (at == socket.peers.end()) return false;
  launch(at->second, 1, Flight{{}, false, std::move(frame)});
  return true;
}

void Network::launch(std::uint32_t number, int from, Flight flight) {
  Connection& connection = connections_[number];
  const auto side = static_cast<std::size_t>(from);
  std::deque<Flight>& pipe = connection.flying[side];
  flight.due = timeline_.now() + latency(connection.host[side], connection.host[1 - side]);
  const auto socket = sockets_.find(connection.socket[0]);
  if (!delays_.empty() && socket != sockets_.end()) {
    const auto at = delays_.find({pair_of(connection.host[0], connection.host[1]),
                                  socket->second.kind});
    if (at != delays_.end()) flight.due += at->second;
  }
  if (!pipe.empty()) flight.due = std::max(flight.due, pipe.back().due);
  if (!flight.is_end) connection.spoke[side] = true;
  if (!flight.is_end && on_send)
    on_send(connection.host[side], connection.host[1 - side], flight.frame);
  pipe.push_back(std::move(flight));
  timeline_.at(pipe.back().due, [this, number, from] { arrive(number, from); });
}

// One event for each flight; a flight that was lost meanwhile leaves its event with nothing to do.
void Network::arrive(std::uint32_t number, int from) {
  const auto at = connections_.find(number);
  if (at == connections_.end()) return;
  Connection& connection = at->second;
  const auto side = static_cast<std::size_t>(from);
  std::deque<Flight>& pipe = connection.flying[side];
  if (pipe.empty() || pipe.front().due > timeline_.now()) return;
  if (blocked(connection.host[side], connection.host[1 - side])) {
    connection.stalled[side] = true;
    return;
  }
  Flight flight = std::move(pipe.front());
  pipe.pop_front();
  const auto there = sockets_.find(connection.socket[1 - side]);
  if (flight.is_end) {
    if (connection.open[1 - side]) ended(number, 1 - from);
  } else if (there != sockets_.end() && connection.open[1 - side]) {
    ++delivered_;
    if (on_delivery)
      on_delivery(connection.host[side], connection.host[1 - side], flight.frame);
    there->second.inbox.push_back({connection.peer, std::move(flight.frame)});
    wake_(there->second.host);
  }
  const bool over = !connection.open[0] && !connection.open[1];
  if (over && connection.flying[0].empty() && connection.flying[1].empty())
    connections_.erase(at);
}

std::optional<Network::Arrival> Network::receive(SocketId id) {
  const auto at = sockets_.find(id);
  if (at == sockets_.end() || at->second.inbox.empty()) return std::nullopt;
  Arrival arrival = std::move(at->second.inbox.front());
  at->second.inbox.pop_front();
  return arrival;
}

Network::LinkEvent Network::next_event(SocketId id) {
  const auto at = sockets_.find(id);
  if (at == sockets_.end() || at->second.events.empty()) return LinkEvent::none;
  const LinkEvent event = at->second.events.front();
  at->second.events.pop_front();
  return event;
}

std::optional<core::PeerId> Network::next_departed(SocketId id) {
  Socket& socket = sockets_.at(id);
  if (socket.departed.empty()) return std::nullopt;
  const core::PeerId peer = socket.departed.front();
  socket.departed.pop_front();
  return peer;
}

bool Network::has_input(SocketId id) const {
  const auto at = sockets_.find(id);
  return at != sockets_.end() && (!at->second.inbox.empty() || !at->second.events.empty() ||
                                  !at->second.departed.empty());
}

// --- faults -----------------------------------------------------------------

bool Network::blocked(Host from, Host to) const {
  const auto at = blocked_.find({from, to});
  return at != blocked_.end() && at->second > 0;
}

bool Network::impaired(Host a, Host b) const {
  return blocked(a, b) || blocked(b, a) || paused_.count(a) > 0 || paused_.count(b) > 0;
}

void Network::block(Host from, Host to, bool on) {
  blocked_[{from, to}] += on ? 1 : -1;
  if (on)
    became_silent(from, to);
  else if (!blocked(from, to))
    resume_flights(from, to);
}

void Network::pause(Host host, bool on) {
  if (!on) {
    paused_.erase(host);
    return;
  }
  paused_.insert(host);
  std::set<Host> others;
  for (const auto& [number, connection] : connections_) {
    if (connection.host[0] == host) others.insert(connection.host[1]);
    if (connection.host[1] == host) others.insert(connection.host[0]);
  }
  for (const Host other : others) became_silent(host, other);
}

// An end that hears nothing for long enough gives up, if nothing has changed until then.
void Network::became_silent(Host a, Host b) {
  const Path path = pair_of(a, b);
  const std::uint64_t stamp = ++impairments_[path];
  for (const auto& [number, connection] : connections_) {
    if (pair_of(connection.host[0], connection.host[1]) != path) continue;
    for (int end = 0; end < 2; ++end) {
      const auto side = static_cast<std::size_t>(end);
      const auto socket = sockets_.find(connection.socket[side]);
      if (socket == sockets_.end() || !connection.open[side]) continue;
      const Duration wait = patience(socket->second.kind) + random_.between(0ms, 2000ms);
      timeline_.after(wait, [this, number = number, end, side, path, stamp] {
        const auto at = connections_.find(number);
        if (at == connections_.end() || !at->second.open[side]) return;
        if (impairments_[path] != stamp || !impaired(path.first, path.second)) return;
        if (paused_.count(at->second.host[side]) > 0) return;  // it does nothing at all
        close_end(number, end, false);
      });
    }
  }
}

void Network::resume_flights(Host from, Host to) {
  for (auto& [number, connection] : connections_) {
    for (int end = 0; end < 2; ++end) {
      const auto side = static_cast<std::size_t>(end);
      if (connection.host[side] != from || connection.host[1 - side] != to) continue;
      if (!connection.stalled[side]) continue;
      connection.stalled[side] = false;
      // TCP sends again after a while; the order stays.
      Time due = timeline_.now() + random_.between(1ms, 800ms);
      for (Flight& flight : connection.flying[side]) {
        flight.due = std::max(flight.due, due);
        due = flight.due;
        timeline_.at(due, [this, number = number, end] { arrive(number, end); });
      }
    }
  }
}

void Network::set_latency(Host a, Host b, Latency latency) { latencies_[pair_of(a, b)] = latency; }

Duration Network::latency(Host a, Host b) {
  const auto at = latencies_.find(pair_of(a, b));
  const Latency range = at == latencies_.end() ? Latency{} : at->second;
  return random_.between(range.least, range.most);
}

std::vector<std::uint32_t> Network::between(Host a, Host b, SocketKind kind) const {
  std::vector<std::uint32_t> numbers;
  for (const auto& [number, connection] : connections_) {
    if (pair_of(connection.host[0], connection.host[1]) != pair_of(a, b)) continue;
    const auto socket = sockets_.find(connection.socket[0]);
    if (socket != sockets_.end() && socket->second.kind == kind) numbers.push_back(number);
  }
  return numbers;
}

void Network::cut(Host a, Host b, SocketKind kind) {
  for (const std::uint32_t number : between(a, b, kind))
    close_end(number, random_.below(2) == 0 ? 0 : 1, false);
}

void Network::sever(Host a, Host b, SocketKind kind) {
  for (const std::uint32_t number : between(a, b, kind))
    for (const int end : {0, 1})
      if (connections_[number].open[static_cast<std::size_t>(end)]) ended(number, end);
}

void Network::heal() {
  std::vector<Path> paths;
  for (const auto& [path, count] : blocked_)
    if (count > 0) paths.push_back(path);
  blocked_.clear();
  for (const Path& path : paths) resume_flights(path.first, path.second);
  latencies_.clear();
  delays_.clear();
  hide_departures_ = false;
}

}  // namespace sluice::sim
