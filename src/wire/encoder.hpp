// encoder.hpp: a writer for the body and the payloads of each message.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/message.hpp"
#include "wire/buffer.hpp"
#include "wire/limits.hpp"
#include "wire/put.hpp"
#include "wire/utf8.hpp"

namespace sluice::wire {

// Each appends the body of one message; write_heap then appends its payloads.
// Two steps, because the header between frame and payloads wants the body's length.

// encoder_hot.cpp
void write_body(Buffer& out, const core::State& m);
void write_body(Buffer& out, const core::Ack& m);
void write_body(Buffer& out, const core::Tasks& m);
void write_body(Buffer& out, const core::Outcomes& m);
void write_body(Buffer& out, const core::Watched& m);
void write_body(Buffer& out, const core::SinkConfirm& m);
void write_body(Buffer& out, const core::Submit& m);
void write_body(Buffer& out, const core::SubmitConfirm& m);
void write_heap(Buffer& out, const core::Tasks& m);
void write_heap(Buffer& out, const core::Outcomes& m);
void write_heap(Buffer& out, const core::Watched& m);
void write_heap(Buffer& out, const core::Submit& m);

// encoder_cold.cpp
void write_body(Buffer& out, const core::Hello& m);
void write_body(Buffer& out, const core::Inventory& m);
void write_body(Buffer& out, const core::Nack& m);
void write_body(Buffer& out, const core::Return& m);
void write_body(Buffer& out, const core::Gap& m);
void write_body(Buffer& out, const core::Goodbye& m);
void write_body(Buffer& out, const core::Progress& m);
void write_body(Buffer& out, const core::Welcome& m);
void write_body(Buffer& out, const core::Verdicts& m);
void write_body(Buffer& out, const core::Acked& m);
void write_body(Buffer& out, const core::Ping& m);
void write_body(Buffer& out, const core::Cancel& m);
void write_body(Buffer& out, const core::Bye& m);
void write_body(Buffer& out, const core::Drain& m);
void write_body(Buffer& out, const core::ErrorMessage& m);
void write_body(Buffer& out, const core::SinkOpen& m);
void write_body(Buffer& out, const core::SinkOpened& m);
void write_body(Buffer& out, const core::SinkBeat& m);
void write_body(Buffer& out, const core::SinkBeaten& m);
void write_body(Buffer& out, const core::Watch& m);
void write_body(Buffer& out, const core::Floor& m);
void write_body(Buffer& out, const core::ClientOpen& m);
void write_body(Buffer& out, const core::ClientOpened& m);
void write_body(Buffer& out, const core::Query& m);
void write_body(Buffer& out, const core::Reply& m);
void write_body(Buffer& out, const core::CancelTasks& m);
void write_body(Buffer& out, const core::CancelReply& m);
void write_body(Buffer& out, const core::ClientBeat& m);
void write_body(Buffer& out, const core::ClientBeaten& m);
void write_heap(Buffer& out, const core::Nack& m);
void write_heap(Buffer& out, const core::Progress& m);

/// Messages without payloads.
template <typename M>
void write_heap(Buffer&, const M&) {}

/// Text for people as it travels: its length, then (repaired) its bytes.
inline std::size_t text_size(std::string_view text) { return utf8_clip(text, kMaxText).size(); }
inline void append_text(Buffer& out, std::string_view text) {
  const std::string_view cut = utf8_clip(text, kMaxText);
  if (cut.empty()) return;
  std::byte* at = out.room(cut.size());
  out.set_end(put_bytes(at, cut.data(), cut.size()));
  utf8_repair(reinterpret_cast<char*>(at), cut.size());
}

/// Appends values one by one and makes room for each: slower than put_*, and
/// fit for whatever is not sent per task.
class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  Writer& array(std::size_t count) { return put(kMostHeader, put_array, count); }
  Writer& number(std::uint64_t value) { return put(kMostNumber, put_number, value); }
  Writer& boolean(bool value) { return put(1, put_bool, value); }
  Writer& nil() {
    out_.set_end(put_nil(out_.room(1)));
    return *this;
  }
  Writer& str(std::string_view text) { return put(kMostHeader + text.size(), put_str, text); }
  template <typename Id>
  Writer& id(Id value) {
    return number(static_cast<std::uint64_t>(value));
  }
  template <std::size_t N>
  Writer& bin(const std::array<std::uint8_t, N>& bytes) {
    static_assert(N < 256);
    out_.set_end(put_bin(out_.room(kMostHeader + N), bytes.data(), N));
    return *this;
  }
  template <typename Texts>
  Writer& strs(const Texts& texts) {
    array(texts.size());
    for (const auto& text : texts) str(text);
    return *this;
  }

 private:
  template <typename F, typename V>
  Writer& put(std::size_t most, F function, V value) {
    out_.set_end(function(out_.room(most), value));
    return *this;
  }

  Buffer& out_;
};

}  // namespace sluice::wire
