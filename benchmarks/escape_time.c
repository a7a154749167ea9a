/* The yardstick of escape_time.py: a hand-written SIMD kernel, as fast as lockstep gets.
 *
 * 4 vectors of the widest kind in flight (GNU vector extensions: AVX-512 or AVX2 by -march=native,
 * fused multiply-adds allowed), one count per step, a test for "all have left" every 8 steps.
 */
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
enum { W = 8 };
#else
enum { W = 4 };
#endif
enum { V = 4, STEPS = 8 };

typedef double real __attribute__((vector_size(W * 8)));
typedef int64_t whole __attribute__((vector_size(W * 8)));

/* Write the counts of n points (a multiple of V * W) with |z| <= 2, capped at maxiter. */
void escape_time(const double *cx, const double *cy, long n, long maxiter, uint32_t *out)
{
    for (long i = 0; i < n; i += V * W) {
        real p[V], q[V], x[V], y[V];
        whole count[V];
        for (int v = 0; v < V; v++) {
            memcpy(&p[v], cx + i + v * W, sizeof p[v]);
            memcpy(&q[v], cy + i + v * W, sizeof q[v]);
            x[v] = y[v] = (real){0};
            count[v] = (whole){0};
        }
        for (long k = 0; k < maxiter; k += STEPS) {
            for (int s = 0; s < STEPS; s++)
                for (int v = 0; v < V; v++) {
                    real a = x[v] * x[v] - y[v] * y[v] + p[v];
                    y[v] = (x[v] + x[v]) * y[v] + q[v];
                    x[v] = a;
                    count[v] -= x[v] * x[v] + y[v] * y[v] <= 4.0;
                }
            whole stays = (whole){0};
            for (int v = 0; v < V; v++)
                stays |= x[v] * x[v] + y[v] * y[v] <= 4.0;
            int64_t any = 0;
            for (int w = 0; w < W; w++)
                any |= stays[w];
            if (!any)
                break;
        }
        for (int v = 0; v < V; v++)
            for (int w = 0; w < W; w++)
                out[i + v * W + w] = count[v][w] < maxiter ? count[v][w] : maxiter;
    }
}
