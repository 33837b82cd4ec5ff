// clusters.cpp: the clusters of the end-to-end tests, for these tests too.
// SPDX-License-Identifier: MIT
#include "e2e/cluster.cpp"  // the same code: this is another program
