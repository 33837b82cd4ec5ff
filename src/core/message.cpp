// message.cpp: how spent messages are kept for the next turn.
// SPDX-License-Identifier: MIT
#include "core/message.hpp"

#include <utility>

namespace sluice::core {
namespace {

template <typename M>
M take_from(std::vector<M>& spare) {
  if (spare.empty()) return M{};
  M message = std::move(spare.back());
  spare.pop_back();
  return message;
}

template <typename M>
void keep(std::vector<M>& spare, M&& message, std::size_t most) {
  if (spare.size() < most) spare.push_back(std::move(message));
}

}  // namespace

template <>
Tasks EntryPool::take<Tasks>() {
  return take_from(tasks_);
}
template <>
Ack EntryPool::take<Ack>() {
  return take_from(acks_);
}
template <>
Outcomes EntryPool::take<Outcomes>() {
  return take_from(outcomes_);
}
template <>
Submit EntryPool::take<Submit>() {
  return take_from(submits_);
}
template <>
SinkConfirm EntryPool::take<SinkConfirm>() {
  return take_from(confirms_);
}

void EntryPool::give_back(Message&& message) {
  if (auto* tasks = std::get_if<Tasks>(&message)) {
    tasks->types.clear();
    tasks->entries.clear();
    tasks->tasks_before = tasks->bytes_before = tasks->void_n = 0;
    keep(tasks_, std::move(*tasks), kKeep);
  } else if (auto* ack = std::get_if<Ack>(&message)) {
    ack->entries.clear();
    keep(acks_, std::move(*ack), kKeep);
  } else if (auto* outcomes = std::get_if<Outcomes>(&message)) {
    outcomes->types.clear();
    outcomes->entries.clear();
    keep(outcomes_, std::move(*outcomes), kKeep);
  } else if (auto* submit = std::get_if<Submit>(&message)) {
    submit->types.clear();
    submit->entries.clear();
    keep(submits_, std::move(*submit), kKeep);
  } else if (auto* confirm = std::get_if<SinkConfirm>(&message)) {
    confirm->stored.clear();
    confirm->exceptions.clear();
    confirm->outcomes_limit = confirm->bytes_limit = 0;
    keep(confirms_, std::move(*confirm), kKeep);
  }
}

}  // namespace sluice::core
