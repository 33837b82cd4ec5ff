// reference.hpp: the same bodies as msgpack's own library reads and writes them.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <msgpack.hpp>
#include <string>

#include "wire/samples.hpp"

namespace sluice::wire::test {

/// The body by msgpack::unpack; the test fails if it is not exactly one value.
msgpack::object_handle unpacked(core::Bytes body);

/// What msgpack::packer makes of a body: its shortest form.
Frame repacked(const msgpack::object& object);

/// Ways to write the same value that are all legal msgpack.
enum class Style { widest_unsigned, widest_signed, str_as_bin, bin_as_str };
Frame repacked_as(const msgpack::object& object, Style style);

/// A body written by `write`, for cases no encoder of ours would make.
Frame packed(const std::function<void(msgpack::packer<msgpack::sbuffer>&)>& write);

/// As JSON; bin becomes {"bin": "hex digits"}.
std::string as_json(const msgpack::object& object);
std::string hex_of(core::Bytes bytes);

}  // namespace sluice::wire::test
