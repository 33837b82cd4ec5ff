// journal_wal.cpp: the frames of a -wal file, each checked by itself.
// SPDX-License-Identifier: MIT
#include "store/journal_wal.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <sluice/error.hpp>

// The format is SQLite's (https://sqlite.org/fileformat2.html, "The Write-Ahead Log"): a head of
// 32 bytes, then frames of 24 bytes and a page. Each frame's checksum goes on from the one before
// it, as that one says it is; so each can be checked by itself, also behind a broken one.
namespace sluice::store {
namespace {

using Pair = std::array<std::uint32_t, 2>;

std::uint32_t word(const unsigned char* at, bool big) {
  const auto byte = [at](int i) { return std::uint32_t{at[i]}; };
  return big ? byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3)
             : byte(3) << 24 | byte(2) << 16 | byte(1) << 8 | byte(0);
}

Pair sum(Pair before, std::span<const unsigned char> bytes, bool big) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    before[0] += word(bytes.data() + i, big) + before[1];
    before[1] += word(bytes.data() + i + 4, big) + before[0];
  }
  return before;
}

// False at the end, where less is left.
bool read_whole(File& file, std::span<unsigned char> to, std::uint64_t at) {
  while (!to.empty()) {
    const ssize_t got = file.read_at(reinterpret_cast<char*>(to.data()), to.size(), at);
    if (got <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

struct Head {
  bool sound = false, big = false;
  std::size_t page_bytes = 0;
  Pair salt{}, checksum{};
};

Head read_head(std::span<const unsigned char> bytes) {
  Head head;
  const std::uint32_t magic = word(bytes.data(), true);
  head.big = (magic & 1U) != 0;
  head.page_bytes = word(bytes.data() + 8, true);
  head.salt = {word(bytes.data() + 16, true), word(bytes.data() + 20, true)};
  head.checksum = {word(bytes.data() + 24, true), word(bytes.data() + 28, true)};
  head.sound = (magic & ~1U) == 0x377f0682U && head.checksum == sum({}, bytes.first(24), head.big);
  return head;
}

}  // namespace

WalTail look_at_wal(JournalDisk& disk, const std::string& path) {
  WalTail tail;
  const std::unique_ptr<File> file = disk.open_to_read(path);
  if (!file) {
    if (errno == ENOENT) return tail;
    throw Error("cannot read " + path + ": " + std::strerror(errno) +
                "; the folder and its files must be readable and writable for this user");
  }
  std::array<unsigned char, 32> first{};
  if (!read_whole(*file, first, 0)) return tail;  // the head is written whole, before any frame
  const Head head = read_head(first);
  if (!head.sound) {
    // Nothing can be said of the frames. A head of zeros was never written.
    bool zeros = true;
    for (const unsigned char byte : first) zeros = zeros && byte == 0;
    tail.kind = zeros ? WalTail::Kind::torn : WalTail::Kind::hole;
    return tail;
  }
  std::vector<unsigned char> frame(24 + head.page_bytes);
  Pair before = head.checksum;
  bool broken = false, broken_ends_turn = false;
  std::uint64_t turns_after = 0;
  for (std::uint64_t at = first.size();; at += frame.size()) {
    if (!read_whole(*file, frame, at)) break;
    const Pair salt{word(frame.data() + 8, true), word(frame.data() + 12, true)};
    const Pair says{word(frame.data() + 16, true), word(frame.data() + 20, true)};
    const Pair is = sum(sum(before, std::span(frame).first(8), head.big),
                        std::span(frame).subspan(24), head.big);
    const bool ends_turn = word(frame.data() + 4, true) != 0;
    const bool sound = salt == head.salt && is == says;
    before = says;
    if (!broken && sound) {
      ++tail.sound_frames;
    } else if (!broken) {
      broken = true;
      broken_ends_turn = ends_turn && salt == head.salt;
      tail.first_bad_byte = at;
      // With another salt it is of an earlier round through the file.
      if (salt == head.salt) tail.kind = WalTail::Kind::torn;
    } else if (sound) {
      if (broken_ends_turn || turns_after > 0) {
        tail.kind = WalTail::Kind::hole;
        return tail;
      }
      if (ends_turn) ++turns_after;
    }
  }
  return tail;
}

}  // namespace sluice::store
