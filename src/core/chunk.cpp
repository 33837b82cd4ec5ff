// chunk.cpp: where slices come from and where emptied chunks go.
// SPDX-License-Identifier: MIT
#include "core/chunk.hpp"

#include <cstring>

#include "core/assert.hpp"

namespace sluice::core {

ChunkPool::~ChunkPool() {
  SLUICE_ASSERT(current_ == nullptr || current_->slices == 0);
  delete current_;
}

std::byte* ChunkPool::take(std::size_t size, Chunk*& chunk) {
  if (size > kChunkBytes / 4) {
    chunk = new Chunk{std::make_unique<std::byte[]>(size), size, size, 0, this};
    held_bytes_ += size;
    return chunk->data.get();
  }
  if (current_ != nullptr && current_->slices == 0) current_->used = 0;
  if (current_ == nullptr || current_->size - current_->used < size) {
    // The full chunk now belongs to its slices: the last of them gives it back.
    if (!spare_.empty()) {
      current_ = spare_.back().release();
      spare_.pop_back();
      current_->used = 0;
    } else {
      current_ = new Chunk{std::make_unique<std::byte[]>(kChunkBytes), kChunkBytes, 0, 0, this};
      held_bytes_ += kChunkBytes;
    }
  }
  chunk = current_;
  std::byte* at = chunk->data.get() + chunk->used;
  chunk->used += size;
  return at;
}

Slice ChunkPool::copy(Bytes bytes) { return copy(bytes, {}); }

Slice ChunkPool::copy(Bytes first, Bytes second) {
  const std::size_t size = first.size() + second.size();
  if (size == 0) return {};
  Chunk* chunk = nullptr;
  std::byte* at = take(size, chunk);
  if (!first.empty()) std::memcpy(at, first.data(), first.size());
  if (!second.empty()) std::memcpy(at + first.size(), second.data(), second.size());
  return {chunk, Bytes(at, size)};
}

void ChunkPool::give_back(Chunk* chunk) noexcept {
  if (chunk == current_) return;  // still being filled; take() starts it afresh
  if (chunk->size == kChunkBytes && spare_.size() < kSpareChunks) {
    spare_.emplace_back(chunk);
    return;
  }
  held_bytes_ -= chunk->size;
  delete chunk;
}

}  // namespace sluice::core
