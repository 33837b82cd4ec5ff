// sink.cpp: the public Sink: what is refused at once, and what the loop does.
// SPDX-License-Identifier: MIT
#include <sluice/sink.hpp>

#include <utility>

#include <sluice/error.hpp>

#include "core/options.hpp"
#include "net/sink_loop.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace sluice {
namespace {

const SinkOptions& checked(const SinkOptions& options, const Sink::Handler& handler) {
  const auto heartbeat = options.heartbeat;
  if (heartbeat < core::Timers::kLeastHeartbeat || heartbeat > core::Timers::kMostHeartbeat)
    throw Error("a heartbeat of " + std::to_string(heartbeat.count()) +
                " ms is out of range: give 250 ms to 30 s");
  if (options.max_frame < 128 * 1024 || options.max_frame > wire::kHardMaxFrame)
    throw Error("max_frame must lie between 128 KiB and 64 MiB");
  if (options.file.empty() && !handler)
    throw Error("a sink needs somewhere to put outcomes: give it a file, a handler, or both");
  if (!wire::valid_name(options.name))
    throw Error("a sink's name must be UTF-8 of at most 128 bytes");
  return options;
}

}  // namespace

class SLUICE_LOCAL Sink::Impl {
 public:
  Impl(const SinkOptions& options, Handler handler) : loop(options, std::move(handler)) {}
  net::SinkLoop loop;
};

Sink::Sink(SinkOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(checked(options, handler), std::move(handler))) {}

Sink::~Sink() = default;

std::string Sink::endpoint() const { return impl_->loop.endpoint(); }

Sink::Stats Sink::stats() const { return impl_->loop.stats(); }

void Sink::check() const { impl_->loop.check(); }

void Sink::stop() { impl_->loop.stop(); }

}  // namespace sluice
