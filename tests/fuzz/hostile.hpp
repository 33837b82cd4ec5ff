// hostile.hpp: a peer that speaks the protocol and means no good.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/message.hpp"
#include "fuzz/fuzz.hpp"

namespace sluice::fuzz {

/// Makes messages of every type, well formed by the codec's rules as a rule, out of numbers that
/// it has heard of and numbers that nobody should ever say.
///
/// The views in a message are good until the next one is made.
class Hostile {
 public:
  /// Learns the numbers of a message that was sent to it.
  void hear(const core::Envelope& in);

  /// Any message that may travel towards a ventilator (its workers' and clients'), ...
  [[nodiscard]] core::Envelope to_ventilator(Choices& choices);
  /// ... a sink, ...
  [[nodiscard]] core::Envelope to_sink(Choices& choices);
  /// ... a worker, ...
  [[nodiscard]] core::Envelope to_worker(Choices& choices);
  /// ... a client, ...
  [[nodiscard]] core::Envelope to_client(Choices& choices);
  /// ... a producer of outcomes or a watcher.
  [[nodiscard]] core::Envelope to_producer(Choices& choices);

  // What it knows. The last of each are the ones it names most.
  std::vector<std::uint64_t> sids, seqs, leases, ns, rsns;
  std::vector<core::Log> logs;
  std::vector<core::Boot> boots;  ///< its own: 16 random bytes cannot be guessed
  std::vector<std::string> types;

 private:
  void learn(std::vector<std::uint64_t>& into, std::uint64_t number);
  void learn(const core::Log& log);
  std::uint64_t some(Choices& choices, const std::vector<std::uint64_t>& known);
  core::Seq seq(Choices& c) { return core::Seq{some(c, seqs)}; }
  core::Lease lease(Choices& c) { return core::Lease{some(c, leases)}; }
  core::Rsn rsn(Choices& c) { return core::Rsn{some(c, rsns)}; }
  core::Log log(Choices& c);
  core::Boot boot(Choices& c);
  core::Epoch epoch(Choices& c) { return core::Epoch{c.one_in(4) ? c.number32() >> 1 : 1}; }
  std::string name(Choices& c);
  std::string type(Choices& c);
  std::string_view kept(std::string text) { return arena_.emplace_back(std::move(text)); }
  std::vector<std::string_view> type_list(Choices& c);
  core::Envelope wrap(Choices& c, core::Message message);

  core::ErrorMessage error(Choices& c);
  core::Hello hello(Choices& c);
  core::Submit submit(Choices& c);
  core::Outcomes outcomes(Choices& c);
  core::Tasks tasks(Choices& c);
  core::Welcome welcome(Choices& c);
  core::SinkConfirm confirm(Choices& c);
  core::Message from_worker(Choices& c);
  core::Message from_client(Choices& c);

  std::deque<std::string> arena_;
};

}  // namespace sluice::fuzz
