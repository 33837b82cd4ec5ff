// wire_fuzz.cpp: any bytes into the decoder of every role.
// SPDX-License-Identifier: MIT
#include "fuzz/fuzz.hpp"
#include "wire/codec.hpp"

using namespace sluice;

namespace {

using fuzz::require;

// What was understood must be something that could have been sent: it goes round again unchanged.
void goes_round(const wire::Codec& codec, core::Envelope& envelope, core::EntryPool& pool) {
  wire::Buffer first, second;
  wire::DecodeError error;
  wire::Codec::encode(envelope, first);
  require(first.size() <= wire::Codec::size_bound(envelope), "a frame is within its bound");
  auto again = codec.decode(first.bytes(), pool, error);
  require(again.has_value(), "what was understood once is understood again");
  wire::Codec::encode(*again, second);
  require(std::ranges::equal(first.bytes(), second.bytes()), "a message is stable");
  pool.give_back(std::move(again->message));
}

}  // namespace

SLUICE_FUZZ(wire) {
  using wire::Role;
  static core::EntryPool pool;
  const core::Bytes frame = std::as_bytes(input);
  bool some = false;
  for (const Role role : {Role::ventilator, Role::worker, Role::client, Role::sink, Role::producer,
                          Role::any}) {
    const wire::Codec codec(role);
    wire::DecodeError error;
    auto envelope = codec.decode(frame, pool, error);
    require(envelope.has_value() || (error.code != core::Code::ok && !error.what.empty()),
            "a refusal has a reason");
    if (role == Role::any) require(!some || envelope, "what a role takes, a tool can look at");
    if (!envelope) continue;
    some = true;
    require(wire::accepts(role, static_cast<std::uint8_t>(frame[3])), "the type is the role's");
    goes_round(codec, *envelope, pool);
    pool.give_back(std::move(envelope->message));
  }
  wire::Limits small;
  small.max_frame = 2048;
  small.max_body = 1024;
  small.max_entries = 4;
  wire::DecodeError error;
  if (auto envelope = wire::Codec(Role::any, small).decode(frame, pool, error)) {
    require(some, "a smaller limit lets nothing more in");
    pool.give_back(std::move(envelope->message));
  }
}
