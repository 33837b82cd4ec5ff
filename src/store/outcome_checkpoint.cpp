// outcome_checkpoint.cpp: its bytes, their checks, and how they get into place.
// SPDX-License-Identifier: MIT
#include "store/outcome_checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "store/journal_crc.hpp"

namespace sluice::store {
namespace {

// A head of fixed size, sections, and the checksum of all that. Numbers in the head: the lowest
// byte first.
constexpr std::string_view kMagic = "SLUICKPT";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kJsonLines = 1;  // what kind of file it speaks of
constexpr std::size_t kHeadBytes = 64 + 8, kCrcBytes = 4;
constexpr std::uint64_t kFirstBytes = 4096, kLastBytes = 65'536;
// No line of an outcome is shorter, so no checkpoint can speak of more.
constexpr std::uint64_t kShortestLine = 64;

enum Section : std::uint64_t { kEnd = 0, kRuns = 1, kFloor = 2, kStretches = 3 };

void put32(std::string& to, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) to += static_cast<char>(value >> (8 * i) & 0xFFU);
}
void put64(std::string& to, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) to += static_cast<char>(value >> (8 * i) & 0xFFU);
}
void put(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80U);
  to += static_cast<char>(value);
}
void put(std::string& to, const core::Log& log) { to.append(log.begin(), log.end()); }

std::uint64_t fixed(std::string_view from, std::size_t at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(from[at + i])) << (8 * i);
  return value;
}

bool take(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty()) return false;
    const auto byte = static_cast<std::uint8_t>(from.front());
    from.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    value |= (std::uint64_t{byte} & 0x7FU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}
bool take(std::string_view& from, core::Log& log) {
  if (from.size() < log.size()) return false;
  std::copy_n(from.begin(), log.size(), reinterpret_cast<char*>(log.data()));
  from.remove_prefix(log.size());
  return true;
}

std::uint32_t crc_of(std::string_view bytes) { return crc32c(0, std::as_bytes(std::span(bytes))); }

// Runs count from the end of the one before, so that most numbers have one byte.
bool take_runs(std::string_view& from, core::KnownSlice& slice, std::uint64_t& left) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / 2;
  std::uint64_t count = 0, behind = 0;
  if (!take(from, slice.log) || !take(from, count) || count > from.size()) return false;
  slice.runs.resize(count);
  for (core::KnownRun& run : slice.runs) {
    std::uint64_t gap = 0, state = 0;
    if (!take(from, gap) || !take(from, run.count) || !take(from, run.step) || !take(from, state))
      return false;
    run.state = static_cast<core::Known>(state);
    if (gap > most || run.count == 0 || run.count > left || run.step == 0 || state > 0xF ||
        !core::is_stored(run.state) || behind > most - gap ||
        run.step > (most - behind - gap) / run.count)
      return false;
    left -= run.count;
    run.first = behind + gap;
    behind = run.first + (run.count - 1) * run.step + 1;
  }
  return true;
}

bool take_stretches(std::string_view& from, std::vector<OutcomeIndex::Stretch>& out) {
  std::uint64_t count = 0, start = 0;
  if (!take(from, count) || count > from.size()) return false;
  for (; count > 0; --count) {
    std::uint64_t gap = 0, ranges = 0;
    if (!take(from, gap) || !take(from, ranges) || ranges > OutcomeIndex::kMostLogs + 1)
      return false;
    if (start + gap < start || (!out.empty() && gap == 0)) return false;
    OutcomeIndex::Stretch& stretch = out.emplace_back();
    stretch.from = start += gap;
    stretch.any = ranges == OutcomeIndex::kMostLogs + 1;
    if (stretch.any) continue;
    stretch.ranges.resize(ranges);
    for (OutcomeIndex::Range& range : stretch.ranges) {
      if (!take(from, range.log) || !take(from, range.least) || !take(from, range.most))
        return false;
    }
  }
  return true;
}

std::string why(const std::string& what, const std::string& path) {
  return "cannot " + what + " " + path + ": " + std::strerror(errno);
}

bool crc_of(File& file, std::uint64_t from, std::uint64_t to, std::uint32_t& crc) {
  std::string bytes(to - from, '\0');
  std::size_t read = 0;
  while (read < bytes.size()) {
    const ssize_t got = file.read_at(bytes.data() + read, bytes.size() - read, from + read);
    if (got <= 0) return false;
    read += static_cast<std::size_t>(got);
  }
  crc = crc_of(bytes);
  return true;
}

}  // namespace

void CheckpointWriter::add(const core::KnownSlice& slice) {
  if (!slice.runs.empty()) {
    put(body_, kRuns);
    put(body_, slice.log);
    put(body_, slice.runs.size());
    std::uint64_t behind = 0;
    for (const core::KnownRun& run : slice.runs) {
      put(body_, run.first - behind);
      put(body_, run.count);
      put(body_, run.step);
      put(body_, static_cast<std::uint64_t>(run.state));
      behind = run.first + (run.count - 1) * run.step + 1;
    }
  }
  if (!slice.floor) return;
  put(body_, kFloor);
  put(body_, slice.log);
  put(body_, core::raw(*slice.floor));
}

void CheckpointWriter::add(const std::vector<OutcomeIndex::Stretch>& stretches) {
  put(body_, kStretches);
  put(body_, stretches.size());
  std::uint64_t before = 0;
  for (const OutcomeIndex::Stretch& stretch : stretches) {
    put(body_, stretch.from - before);
    put(body_, stretch.any ? OutcomeIndex::kMostLogs + 1 : stretch.ranges.size());
    for (const OutcomeIndex::Range& range : stretch.ranges) {
      put(body_, range.log);
      put(body_, range.least);
      put(body_, range.most);
    }
    before = stretch.from;
  }
}

std::string CheckpointWriter::finish(const CheckpointHead& head) {
  std::string out(kMagic);
  put32(out, kVersion);
  put32(out, kJsonLines);
  for (const std::uint64_t value :
       {head.file.inode, head.file.born_ns, head.from, head.upto, head.lines})
    put64(out, value);
  put32(out, head.first_crc);
  put32(out, head.last_crc);
  put64(out, body_.size() + 1);
  out += body_;
  put(out, kEnd);
  body_ = {};
  put32(out, crc_of(out));
  return out;
}

std::string CheckpointReader::open(std::string bytes) {
  bytes_ = std::move(bytes);
  const std::string_view all = bytes_;
  if (all.substr(0, kMagic.size()) != kMagic) return "is no checkpoint of sluice";
  if (all.size() < kHeadBytes + kCrcBytes) return "is too short";
  const std::uint64_t version = fixed(all, 8, 4), kind = fixed(all, 12, 4);
  if (version != kVersion) return "has version " + std::to_string(version);
  if (kind != kJsonLines) return "speaks of a file of another kind";
  if (crc_of(all.substr(0, all.size() - kCrcBytes)) != fixed(all, all.size() - kCrcBytes, 4))
    return "is damaged";
  head_.file = {fixed(all, 16, 8), fixed(all, 24, 8)};
  head_.from = fixed(all, 32, 8);
  head_.upto = fixed(all, 40, 8);
  head_.lines = fixed(all, 48, 8);
  head_.first_crc = static_cast<std::uint32_t>(fixed(all, 56, 4));
  head_.last_crc = static_cast<std::uint32_t>(fixed(all, 60, 4));
  std::vector<OutcomeIndex::Stretch> stretches;
  if (fixed(all, 64, 8) != all.size() - kHeadBytes - kCrcBytes || head_.from > head_.upto ||
      !walk([](const core::KnownSlice&) {}, stretches))
    return "contradicts itself";
  return {};
}

void CheckpointReader::read(const Known& known,
                            std::vector<OutcomeIndex::Stretch>& stretches) const {
  static_cast<void>(walk(known, stretches));  // open() has walked it
}

bool CheckpointReader::walk(const Known& known,
                            std::vector<OutcomeIndex::Stretch>& stretches) const {
  std::string_view left = bytes_;
  left.remove_prefix(kHeadBytes);
  left.remove_suffix(kCrcBytes);
  std::uint64_t tasks = head_.upto / kShortestLine;
  stretches.clear();
  for (std::uint64_t section = 0; take(left, section);) {
    core::KnownSlice slice;
    if (section == kEnd) return left.empty();
    if (section == kRuns) {
      if (!take_runs(left, slice, tasks)) return false;
    } else if (section == kFloor) {
      std::uint64_t floor = 0;
      if (!take(left, slice.log) || !take(left, floor)) return false;
      slice.floor = static_cast<core::Seq>(floor);
    } else if (section == kStretches) {
      if (!take_stretches(left, stretches)) return false;
      continue;
    } else {
      return false;
    }
    known(slice);
  }
  return false;
}

bool sign_checkpoint(CheckpointHead& head, File& file) {
  head.file = file.identity();
  const std::uint64_t end = head.upto;
  return crc_of(file, 0, std::min(kFirstBytes, end), head.first_crc) &&
         crc_of(file, end - std::min(kLastBytes, end), end, head.last_crc);
}

// Whatever happens on the way, one of the two is there whole, or none if there was none.
std::string install_checkpoint(Directory& directory, const std::string& path,
                               std::string_view bytes) {
  const std::string fresh = path + ".new";
  const auto file = directory.open_empty(fresh);
  if (file == nullptr) return why("write", fresh);
  std::size_t written = 0;
  while (written < bytes.size()) {
    const std::size_t slice = std::min(bytes.size() - written, std::size_t{1} << 20);
    const ssize_t n = file->write_at(bytes.data() + written, slice, written);
    if (n <= 0) {
      if (n == 0) errno = ENOSPC;
      std::string reason = why("write", fresh);
      static_cast<void>(file->truncate(0));  // its room is better used for outcomes
      return reason;
    }
    written += static_cast<std::size_t>(n);
  }
  if (file->sync() != 0) return why("sync", fresh);
  if (directory.rename(fresh, path) != 0) return why("rename to its place", fresh);
  if (directory.sync_name(path) != 0) return why("sync the folder of", path);
  return {};
}

}  // namespace sluice::store
