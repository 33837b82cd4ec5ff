// outgoing_link.cpp: from a name to a connected DEALER, again and again.
// SPDX-License-Identifier: MIT
#include "net/outgoing_link.hpp"

#include <utility>

#include <sluice/error.hpp>

namespace sluice::net {

OutgoingLink::OutgoingLink(std::shared_ptr<Context> context, Endpoint endpoint, wire::Role role,
                           const wire::Limits& limits, std::shared_ptr<FramePool> frames)
    : context_(std::move(context)),
      endpoint_(std::move(endpoint)),
      codec_(role, limits),
      frames_(std::move(frames)),
      frame_(frames_) {
  endpoint_.require_connectable();
}

void OutgoingLink::set_endpoint(const Endpoint& endpoint) {
  endpoint.require_connectable();
  endpoint_ = endpoint;
}

void OutgoingLink::open() {
  close();
  try {
    resolver_.start(endpoint_);
  } catch (const Error& error) {  // no descriptor is left: the machine tries again later
    error_ = error.what();
    failed_ = true;
  }
}

void OutgoingLink::close() {
  polled_ = nullptr;
  failed_ = false;
  resolver_ = Resolver();  // an answer that comes now would open it again
  dealer_.reset();
  waiting_.clear();
}

OutgoingLink::Event OutgoingLink::next_event() {
  if (std::exchange(failed_, false)) return Event::disconnected;
  if (!dealer_) {
    const std::optional<Resolution> found = resolver_.take();
    if (!found) return Event::none;
    if (found->endpoints.empty()) {
      error_ = found->error;
      return Event::disconnected;
    }
    try {
      dealer_.emplace(context_, found->pick(attempt_++), codec_.limits().max_frame);
    } catch (const Error& error) {  // the watchdog of the machine tries again later
      error_ = error.what();
      return Event::disconnected;
    }
  }
  if (polled_ != nullptr && !polled_->readable(events_slot_)) return Event::none;
  while (const auto event = dealer_->next_event()) {
    polled_ = nullptr;  // what came before the event is read in any case
    if (*event == LinkEvent::connected) return Event::connected;
    error_ = *event == LinkEvent::refused ? "the other side refused the connection"
                                          : "the connection broke";
    return Event::disconnected;
  }
  return Event::none;
}

std::optional<core::Envelope> OutgoingLink::receive(core::EntryPool& pool) {
  if (polled_ != nullptr && !polled_->readable(messages_slot_)) return std::nullopt;
  while (dealer_) {
    const auto frame = dealer_->receive();
    if (!frame) return std::nullopt;
    wire::DecodeError error;
    if (auto envelope = codec_.decode(*frame, pool, error)) return envelope;
    ++bad_frames_;
  }
  return std::nullopt;
}

void OutgoingLink::send(const core::Envelope& envelope) {
  wire::Codec::encode(envelope, frame_.buffer());
  if (dealer_ && waiting_.empty() && dealer_->send(frame_) == SendResult::sent) return;
  waiting_.push_back(std::move(frame_));
  frame_ = OutFrame(frames_);
}

void OutgoingLink::flush() {
  while (dealer_ && !waiting_.empty() && dealer_->send(waiting_.front()) == SendResult::sent)
    waiting_.pop_front();
}

void OutgoingLink::watch(PollSet& poll) {
  if (dealer_) {
    messages_slot_ =
        poll.watch(dealer_->pollable(),
                   waiting_.empty() ? PollSet::Want::read : PollSet::Want::read_and_write);
    events_slot_ = poll.watch(dealer_->events());
    polled_ = &poll;
  } else if (resolver_.busy()) {
    poll.watch_fd(resolver_.fd());
    polled_ = nullptr;
  }
}

}  // namespace sluice::net
