// outcome_queue.cpp: a mutex, a deque, and an eventfd to wait for.
// SPDX-License-Identifier: MIT
#include "cli/outcome_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <sluice/error.hpp>

namespace sluice::cli {
namespace {

// A result of a few bytes still costs a node; counting it bounds the number, too.
constexpr std::size_t kOverhead = 512;

std::size_t weight(std::size_t result, std::size_t error) { return result + error + kOverhead; }

}  // namespace

OutcomeQueue::OutcomeQueue() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0)
    throw Error(std::string("cannot create an eventfd: ") + std::strerror(errno) +
                "; raise the limit of open files (ulimit -n)");
}

OutcomeQueue::~OutcomeQueue() { ::close(fd_); }

bool OutcomeQueue::push(const OutcomeView& outcome) {
  {
    const std::scoped_lock lock(mutex_);
    if (bytes_ >= kMostBytes) return false;
    bytes_ += weight(outcome.result.size(), outcome.error.size());
    queue_.push_back({Outcome(outcome), 0});
  }
  signal();
  return true;
}

void OutcomeQueue::push_anyway(Outcome outcome, std::uint64_t place) {
  {
    const std::scoped_lock lock(mutex_);
    bytes_ += weight(outcome.result.size(), outcome.error.size());
    queue_.push_back({std::move(outcome), place});
  }
  signal();
}

bool OutcomeQueue::has_room() const {
  const std::scoped_lock lock(mutex_);
  return bytes_ < kMostBytes;
}

void OutcomeQueue::signal() const {
  const std::uint64_t one = 1;
  // Only a full counter can refuse, and then the fd is readable already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

std::optional<OutcomeQueue::Item> OutcomeQueue::pop_item() {
  const std::scoped_lock lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  Item item = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= weight(item.outcome.result.size(), item.outcome.error.size());
  return item;
}

std::optional<Outcome> OutcomeQueue::pop() {
  std::optional<Item> item = pop_item();
  if (!item) return std::nullopt;
  return std::move(item->outcome);
}

void OutcomeQueue::reset() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
}

}  // namespace sluice::cli
