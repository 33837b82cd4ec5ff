// command_codec.cpp: commands and their results as msgpack.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <exception>
#include <initializer_list>
#include <limits>
#include <msgpack.hpp>
#include <string_view>

#include "core/assert.hpp"
#include "sluice/command.hpp"

namespace sluice {
namespace {

// Command: [[argv...], [name, value, name, value...], cwd, input, output_limit, display]
constexpr std::uint32_t kCommandFields = 6;
// CommandResult: [end, exit_code, signal, out, err, out_cut, err_cut, wall_us, cpu_user_us,
//                 cpu_system_us, peak_memory_bytes, error, display]
constexpr std::uint32_t kResultFields = 13;

// Far more than a kernel takes as arguments; keeps what a hostile array costs us bounded.
constexpr std::size_t kMaxArray = std::size_t{1} << 20;
constexpr std::size_t kMaxMap = 1024;  // only in fields that we skip
constexpr std::size_t kMaxDepth = 16;

using Packer = msgpack::packer<msgpack::sbuffer>;

// How many bytes of UTF-8 the character at the front takes; 0 if it is not UTF-8.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool no_character = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || no_character ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void pack_bytes(Packer& packer, std::string_view bytes) {
  SLUICE_ASSERT(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

// Arguments and paths may hold any byte. Readers in other languages refuse a
// str that is not UTF-8, so such a text travels as bin.
void pack_text(Packer& packer, std::string_view text) {
  if (!is_utf8(text)) return pack_bytes(packer, text);
  SLUICE_ASSERT(text.size() <= std::numeric_limits<std::uint32_t>::max());
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

std::vector<std::byte> to_bytes(const msgpack::sbuffer& buffer) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(buffer.data(), buffer.size()));
  return {bytes.begin(), bytes.end()};
}

// The whole payload as one array of at least `fields` elements. Throws msgpack's
// exceptions. The object points into the payload, hence the handle is returned.
std::optional<msgpack::object_handle> unpack_array(std::span<const std::byte> payload,
                                                   std::uint32_t fields) {
  if (payload.empty()) return std::nullopt;
  // An element takes at least one byte, so a longer array than the payload is a lie.
  const std::size_t elements = std::min(payload.size(), kMaxArray);
  const msgpack::unpack_limit limits(elements, std::min(payload.size(), kMaxMap), payload.size(),
                                     payload.size(), payload.size(), kMaxDepth);
  const auto by_reference = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  const void* const data = payload.data();
  std::size_t used = 0;
  msgpack::object_handle handle = msgpack::unpack(static_cast<const char*>(data), payload.size(),
                                                  used, by_reference, nullptr, limits);
  const msgpack::object& root = handle.get();
  if (used != payload.size() || root.type != msgpack::type::ARRAY || root.via.array.size < fields)
    return std::nullopt;
  return handle;
}

// The fields of one array in order. A field of the wrong type makes the whole
// reading fail and leaves its target alone.
class Fields {
 public:
  explicit Fields(const msgpack::object& array) : array_(array.via.array) {}

  [[nodiscard]] bool good() const { return good_; }
  void fail() { good_ = false; }

  void text(std::string& into) { read_text(next(), into); }

  void texts(std::vector<std::string>& into) {
    const msgpack::object& field = next();
    if (field.type != msgpack::type::ARRAY) return fail();
    into.resize(field.via.array.size);
    for (std::uint32_t i = 0; i < field.via.array.size; ++i)
      read_text(field.via.array.ptr[i], into[i]);
  }

  void unsigned_number(std::uint64_t& into) {
    const msgpack::object& field = next();
    if (field.type != msgpack::type::POSITIVE_INTEGER) return fail();
    into = field.via.u64;
  }

  // A number from 0 to `most`.
  template <typename Number>
  void bounded_number(Number& into, std::uint64_t most) {
    std::uint64_t value = 0;
    unsigned_number(value);
    if (value > most) return fail();
    into = static_cast<Number>(value);
  }

  void microseconds(std::chrono::microseconds& into) {
    std::int64_t count = 0;
    bounded_number(count, std::numeric_limits<std::int64_t>::max());
    into = std::chrono::microseconds(count);
  }

 private:
  const msgpack::object& next() {
    SLUICE_ASSERT(next_ < array_.size);
    return array_.ptr[next_++];
  }

  void read_text(const msgpack::object& field, std::string& into) {
    if (field.type == msgpack::type::STR) {
      into.assign(field.via.str.ptr, field.via.str.size);
    } else if (field.type == msgpack::type::BIN) {
      into.assign(field.via.bin.ptr, field.via.bin.size);
    } else {
      fail();
    }
  }

  msgpack::object_array array_;
  std::uint32_t next_ = 0;
  bool good_ = true;
};

}  // namespace

std::vector<std::byte> Command::encode() const {
  SLUICE_ASSERT(argv.size() <= kMaxArray && env.size() <= kMaxArray / 2);
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  packer.pack_array(kCommandFields);
  packer.pack_array(static_cast<std::uint32_t>(argv.size()));
  for (const std::string& argument : argv) pack_text(packer, argument);
  packer.pack_array(static_cast<std::uint32_t>(2 * env.size()));
  for (const auto& variable : env) {
    pack_text(packer, variable.first);
    pack_text(packer, variable.second);
  }
  pack_text(packer, cwd);
  pack_bytes(packer, input);
  packer.pack_uint64(output_limit);
  pack_text(packer, display);
  return to_bytes(buffer);
}

std::optional<Command> Command::decode(std::span<const std::byte> payload) try {
  const auto handle = unpack_array(payload, kCommandFields);
  if (!handle) return std::nullopt;
  Fields fields(handle->get());
  Command command;
  std::vector<std::string> flat_env;
  fields.texts(command.argv);
  fields.texts(flat_env);
  fields.text(command.cwd);
  fields.text(command.input);
  fields.unsigned_number(command.output_limit);
  fields.text(command.display);
  if (!fields.good() || flat_env.size() % 2 != 0) return std::nullopt;
  command.env.reserve(flat_env.size() / 2);
  for (std::size_t i = 0; i < flat_env.size(); i += 2)
    command.env.emplace_back(std::move(flat_env[i]), std::move(flat_env[i + 1]));
  return command;
} catch (const std::exception&) {  // msgpack reports bad input by throwing
  return std::nullopt;
}

std::vector<std::byte> CommandResult::encode() const {
  const auto count = [](std::chrono::microseconds time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
  };
  SLUICE_ASSERT(exit_code >= 0 && signal >= 0);
  msgpack::sbuffer buffer(out.size() + err.size() + error.size() + display.size() + 128);
  Packer packer(buffer);
  packer.pack_array(kResultFields);
  packer.pack_uint8(static_cast<std::uint8_t>(end));
  packer.pack_int(exit_code);
  packer.pack_int(signal);
  pack_bytes(packer, out);
  pack_bytes(packer, err);
  packer.pack_uint64(out_cut);
  packer.pack_uint64(err_cut);
  packer.pack_uint64(count(wall));
  packer.pack_uint64(count(cpu_user));
  packer.pack_uint64(count(cpu_system));
  packer.pack_uint64(peak_memory_bytes);
  pack_text(packer, error);
  pack_text(packer, display);
  return to_bytes(buffer);
}

std::optional<CommandResult> CommandResult::decode(std::span<const std::byte> payload) try {
  constexpr std::uint64_t kMaxInt = std::numeric_limits<int>::max();
  const auto handle = unpack_array(payload, kResultFields);
  if (!handle) return std::nullopt;
  Fields fields(handle->get());
  CommandResult result;
  fields.bounded_number(result.end, static_cast<std::uint64_t>(End::not_started));
  fields.bounded_number(result.exit_code, kMaxInt);
  fields.bounded_number(result.signal, kMaxInt);
  fields.text(result.out);
  fields.text(result.err);
  fields.unsigned_number(result.out_cut);
  fields.unsigned_number(result.err_cut);
  fields.microseconds(result.wall);
  fields.microseconds(result.cpu_user);
  fields.microseconds(result.cpu_system);
  fields.unsigned_number(result.peak_memory_bytes);
  fields.text(result.error);
  fields.text(result.display);
  if (!fields.good()) return std::nullopt;
  return result;
} catch (const std::exception&) {  // msgpack reports bad input by throwing
  return std::nullopt;
}

}  // namespace sluice
