// outcome_file.cpp: reading back, appending, and what to do when the disk says no.
// SPDX-License-Identifier: MIT
#include "store/outcome_file.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <sluice/error.hpp>

namespace sluice::store {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::uint64_t kTellBytes = std::uint64_t{16} << 20;

std::string why(int error) { return std::strerror(error); }

bool only_zeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

OutcomeFile::OutcomeFile(Options options, const std::function<void(const OutcomeFacts&)>& each)
    : options_(std::move(options)),
      file_(options_.directory->open_alone(options_.path, options_.sync)) {
  if (options_.known) checkpoint_refused_ = read_checkpoint();
  read_back(each);
  lines_ = lines_read_;
  // What an earlier process wrote but did not live to sync is only now safe to vouch for.
  if (options_.sync && size_ > 0 && file_->sync() != 0)
    throw Error("fsync of " + options_.path + " failed: " + why(errno) +
                "; check the disk before the outcomes in that file are relied on");
}

// Only a checkpoint that is sound, whose file this is, and whose last bytes stand where it says is
// believed; then only what stands behind them is left to read.
std::string OutcomeFile::read_checkpoint() {
  const std::string path = checkpoint_path(options_.path);
  const auto file = options_.directory->open_to_read(path);
  if (file == nullptr) return {};
  std::string bytes;
  for (;;) {
    const std::size_t had = bytes.size();
    bytes.resize(had + kReadBytes);
    const ssize_t got = file->read_at(bytes.data() + had, kReadBytes, had);
    if (got < 0) return path + " cannot be read: " + why(errno);
    bytes.resize(had + static_cast<std::size_t>(got));
    if (got == 0) break;
  }
  CheckpointReader reader;
  if (const std::string flaw = reader.open(std::move(bytes)); !flaw.empty())
    return path + " " + flaw;
  const CheckpointHead& head = reader.head();
  CheckpointHead real;
  real.upto = head.upto;
  if (head.upto == 0 || !sign_checkpoint(real, *file_))
    return path + " speaks of more than there is in the file";
  if (real.file != head.file) return path + " belongs to another file, or to a copy of it";
  if (real.first_crc != head.first_crc || real.last_crc != head.last_crc)
    return path + " does not fit the file, which was changed";
  std::vector<OutcomeIndex::Stretch> stretches;
  reader.read(options_.known, stretches);
  index_.restore(std::move(stretches), head.from);
  size_ = skipped_ = head.from;
  lines_read_ = lines_skipped_ = head.lines;
  return {};
}

OutcomeFacts OutcomeFile::read_line(std::string_view line, std::uint64_t at) const {
  auto facts = read_outcome_line(line);
  if (!facts && lines_read_ == 0)
    throw Error(options_.path + " is not an outcome file of sluice: choose another file");
  if (!facts)
    throw Error("line " + std::to_string(lines_read_ + 1) + " of the outcome file " +
                options_.path + " is damaged (at byte " + std::to_string(at) +
                "); restore the file, or move it away and start with a new one");
  return std::move(*facts);
}

void OutcomeFile::read_back(const std::function<void(const OutcomeFacts&)>& each) {
  std::string buffer;
  std::uint64_t at = size_;  // file offset of the buffer's first byte
  std::uint64_t told = at;
  const std::uint64_t total = options_.progress ? file_->size() : 0;
  for (;;) {
    const std::size_t had = buffer.size();
    buffer.resize(had + kReadBytes);
    const ssize_t got = file_->read_at(buffer.data() + had, kReadBytes, at + had);
    if (got < 0) throw Error("cannot read the outcome file " + options_.path + ": " + why(errno));
    buffer.resize(had + static_cast<std::size_t>(got));
    std::size_t start = 0;
    // What was there before has no newline: it was looked at already.
    for (std::size_t end = buffer.find('\n', had); end != std::string::npos;
         end = buffer.find('\n', start)) {
      const OutcomeFacts facts =
          read_line(std::string_view(buffer).substr(start, end - start), at + start);
      ++lines_read_;
      index_.note(facts.id.log, facts.id.seq);
      each(facts);
      start = end + 1;
    }
    if (start > 0) index_.add_group(at);
    buffer.erase(0, start);
    at += start;
    if (got == 0) break;
    if (options_.progress && at - told >= kTellBytes) options_.progress(told = at, total);
  }
  size_ = at;
  if (!buffer.empty()) cut_tail(buffer);
}

// A line without its end was being written when the power failed, so it was never confirmed.
// But only what can be the start of a line may be cut: anything else is somebody else's.
void OutcomeFile::cut_tail(std::string_view tail) {
  const std::string_view start = tail.substr(0, kOutcomeLineStart.size());
  const bool ours = start == kOutcomeLineStart.substr(0, start.size());
  if (!ours && !(lines_read_ > 0 && only_zeros(tail)))
    throw Error(options_.path + (lines_read_ == 0
                                     ? " is not an outcome file of sluice: choose another file"
                                     : " ends with something that is no outcome: restore the file, "
                                       "or move it away and start with a new one"));
  if (file_->truncate(size_) != 0)
    throw Error("cannot cut the torn last line off " + options_.path + ": " + why(errno));
  cut_bytes_ = tail.size();
}

void OutcomeFile::abandon() {
  group_.clear();
  group_lines_ = 0;
  index_.forget_group();
}

void OutcomeFile::begin_checkpoint() {
  checkpoint_ = {};
  checkpoint_head_ = {};
  checkpoint_head_.from = size_;
  checkpoint_head_.lines = lines_;
}

std::optional<GatheredCheckpoint> OutcomeFile::end_checkpoint() {
  checkpoint_head_.upto = size_;
  checkpoint_.add(index_.stretches());
  if (!closed_because_.empty() || !sign_checkpoint(checkpoint_head_, *file_)) return std::nullopt;
  return GatheredCheckpoint{checkpoint_head_, std::exchange(checkpoint_, {})};
}

OutcomeFile::Commit OutcomeFile::commit() {
  trouble_.clear();
  if (group_.empty()) return Commit::stored;
  if (!closed_because_.empty()) throw Error(closed_because_);
  std::size_t written = 0;
  while (written < group_.size()) {
    const ssize_t n =
        file_->write_at(group_.data() + written, group_.size() - written, size_ + written);
    if (n <= 0) {
      trouble_ = "cannot write to " + options_.path + ": " + why(n < 0 ? errno : ENOSPC);
      break;
    }
    written += static_cast<std::size_t>(n);
  }
  if (!trouble_.empty()) {
    if (file_->truncate(size_) != 0)
      close_for_good(trouble_ +
                     "; and what was half written could not be taken back: " + why(errno));
    abandon();
    return Commit::later;
  }
  if (options_.sync && file_->sync() != 0)
    close_for_good("fsync of " + options_.path + " failed: " + why(errno));
  index_.add_group(size_);
  size_ += group_.size();
  lines_ += std::exchange(group_lines_, 0);
  group_.clear();
  return Commit::stored;
}

// After a failed fsync the kernel may have dropped the pages and forgotten the error: trying again
// could say yes without the data being there.
void OutcomeFile::close_for_good(const std::string& reason) {
  closed_because_ = reason +
                    ". Nothing more is confirmed: check the disk and start the sink again; "
                    "it reads the file back, and what is missing is sent again";
  throw Error(closed_because_);
}

}  // namespace sluice::store
