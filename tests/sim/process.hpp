// process.hpp: a role at work: its machine of the core, and a shell that turns as src/net does.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "core/message.hpp"
#include "sim/network.hpp"
#include "sim/truth.hpp"
#include "wire/buffer.hpp"
#include "wire/codec.hpp"

namespace sluice::sim {

class World;

/// Thrown where a process dies in the middle of its turn.
struct Crash {};

class Process {
 public:
  Process(World& world, Life life) : world_(world), life_(life) {}
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// One turn, at that instant of its own clock.
  virtual void turn(Time now) = 0;
  /// When it wants its next turn; of its own clock.
  [[nodiscard]] virtual std::optional<Time> deadline() const = 0;
  /// It has nothing to do and nobody owes it anything.
  [[nodiscard]] virtual bool is_quiet() const = 0;
  /// Why not, for people.
  [[nodiscard]] virtual std::string state() const = 0;
  /// It was killed: its memory is of no use any more.
  virtual void died() {}
  /// It goes on after it stood still.
  virtual void resumed() {}
  /// It ended by itself: how long until another is started. Nothing: it goes on.
  [[nodiscard]] virtual std::optional<Duration> ended() const { return std::nullopt; }
  /// All is over: what must be true of it then. Throws Broken.
  virtual void finish() const {}

  [[nodiscard]] Life life() const { return life_; }

 protected:
  World& world_;
  const Life life_;
};

/// The bytes of a message; for the trace they are noted as they leave.
[[nodiscard]] std::string encode(const core::Envelope& envelope);
/// Honest peers send nothing that cannot be read.
[[nodiscard]] core::Envelope decode_or_break(const wire::Codec& codec, const std::string& frame,
                                             core::EntryPool& pool);

/// As net::OutgoingLink: one socket to a peer we connect to, and what waits for it.
class Link {
 public:
  Link(World& world, Host host, wire::Role role, const wire::Limits& limits)
      : world_(world), host_(host), codec_(role, limits) {}
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void open(const std::string& address);
  void close();
  /// True if the connection was seen to go since the last call.
  bool was_cut();
  void flush();
  /// Calls each(envelope) for what has come.
  template <typename Each>
  void receive(core::EntryPool& pool, Each&& each) {
    // `each` may not close the link: as in src/net that is left to the effects.
    while (auto arrival = next()) {
      core::Envelope envelope = decode_or_break(codec_, *arrival, pool);
      each(envelope);
      pool.give_back(std::move(envelope.message));
    }
  }
  void send(const core::Envelope& envelope);

 private:
  std::optional<std::string> next();

  World& world_;
  const Host host_;
  const wire::Codec codec_;
  SocketId socket_ = 0;
  std::deque<std::string> waiting_;
};

/// 16 or 8 bytes that nobody else has.
template <typename Id>
Id id_of(std::uint64_t number) {
  Id id{};
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::uint8_t>((number ^ (i * 0x9eULL)) >> (8 * (i % 8)));
  return id;
}

}  // namespace sluice::sim
