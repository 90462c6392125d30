/* Shapes on the sphere: is a point in a box of degrees, in a circle, in a polygon of great-circle edges with holes.
 * It must never take the plane for the sphere: an edge is the shortest way over the globe, not a line on a map.
 * Invariant: a polygon never covers more than half of the sphere; its rings run counter-clockwise seen from outside. */
#include "query/query_internal.h"
#include <math.h>

typedef double vector3[3];

enum { RING_POINTS_MAX = 10000 };
static const double pi = 3.14159265358979323846;

static void to_vector(double longitude, double latitude, vector3 out)
{
    double east = longitude * pi / 180, north = latitude * pi / 180;
    out[0] = cos(north) * cos(east);
    out[1] = cos(north) * sin(east);
    out[2] = sin(north);
}

static double dot(const vector3 a, const vector3 b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const vector3 a, const vector3 b, vector3 out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double triple(const vector3 a, const vector3 b, const vector3 c)
{
    vector3 product;
    cross(a, b, product);
    return dot(product, c);
}

/* Exact for close points too, where an arc cosine is not. */
static double angle_between(const vector3 a, const vector3 b)
{
    vector3 product;
    cross(a, b, product);
    return atan2(sqrt(dot(product, product)), dot(a, b));
}

/* ---- rings ---- */

/* How far the direction from p turns from a to b, and whether p lies on the edge between them. */
static double turn_at(const vector3 p, const vector3 a, const vector3 b, bool *on_edge)
{
    double side = triple(a, b, p), along = dot(a, b) - dot(a, p) * dot(b, p);
    bool at_corner = angle_between(p, a) < 1e-15 || angle_between(p, b) < 1e-15;
    bool between =
        fabs(side) < 1e-16 && along < 0 && dot(p, a) >= dot(a, b) && dot(p, b) >= dot(a, b);
    if (at_corner || between) *on_edge = true;
    return at_corner ? 0 : atan2(side, along);
}

/* The turns add up to a full one around a point inside, and to none outside. A point whose opposite is inside sees a
 * full turn the other way round. */
static bool ring_contains(const vector3 *ring, size_t count, const vector3 p, bool *on_edge)
{
    double turn = 0;
    for (size_t i = 0; i < count; i++) turn += turn_at(p, ring[i], ring[(i + 1) % count], on_edge);
    return turn > pi;
}

/* The area to the left of the edges, by triangles from the first point; the sphere has 4 pi. */
static double ring_area(const vector3 *ring, size_t count)
{
    double area = 0;
    for (size_t i = 1; i + 1 < count; i++) {
        double volume = triple(ring[0], ring[i], ring[i + 1]);
        double base =
            1 + dot(ring[0], ring[i]) + dot(ring[i], ring[i + 1]) + dot(ring[i + 1], ring[0]);
        area += 2 * atan2(volume, base);
    }
    return area;
}

static void turn_ring_around(vector3 *ring, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        vector3 kept;
        memcpy(kept, ring[i], sizeof kept);
        memcpy(ring[i], ring[count - 1 - i], sizeof kept);
        memcpy(ring[count - 1 - i], kept, sizeof kept);
    }
}

/* Whether two edges without a common end cross. */
static bool edges_cross(const vector3 a, const vector3 b, const vector3 c, const vector3 d)
{
    double abc = triple(a, b, c), abd = triple(a, b, d), cda = triple(c, d, a),
           cdb = triple(c, d, b);
    if ((abc > 0) == (abd > 0) || (cda > 0) == (cdb > 0)) return false;
    /* The great circles meet twice: the edges must be on the same half. */
    return (abc > 0) == (cdb > 0);
}

static bool rings_cross(const vector3 *left, size_t left_count, const vector3 *right,
                        size_t right_count)
{
    for (size_t i = 0; i < left_count; i++) {
        for (size_t k = left == right ? i + 2 : 0; k < right_count; k++) {
            size_t next = (k + 1) % right_count;
            if (left == right && next == i) continue;
            if (edges_cross(left[i], left[(i + 1) % left_count], right[k], right[next]))
                return true;
        }
    }
    return false;
}

/* ---- checks ---- */

static status wrong(position at, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_ARGUMENT, "%s (in the query at %u:%u)", what, at.line, at.column);
}

static status check_point(const double *point, position at)
{
    bool fits = fabs(point[0]) <= 180 && fabs(point[1]) <= 90; /* false for NaN */
    return fits ? ATOLL_OK
                : fail(ATOLL_ERROR_QUERY_ARGUMENT,
                       "longitude %g and latitude %g: a longitude is from -180 to 180, a latitude "
                       "from -90 to 90 (in the query at %u:%u)",
                       point[0], point[1], at.line, at.column);
}

/* Points of the ring as vectors, without the last, which repeats the first, and without neighbours that are equal. */
static status make_ring(const double *numbers, size_t *count, vector3 *out, position at)
{
    size_t given = *count, used = 0;
    if (given > RING_POINTS_MAX) return wrong(at, "a ring has at most 10000 points");
    for (size_t i = 0; i < given; i++) TRY(check_point(numbers + 2 * i, at));
    bool closed =
        given > 0 && numbers[0] == numbers[2 * given - 2] && numbers[1] == numbers[2 * given - 1];
    if (!closed) return wrong(at, "the last point of a ring must be its first one again");
    for (size_t i = 0; i + 1 < given; i++) {
        bool repeated = i > 0 && numbers[2 * i] == numbers[2 * i - 2] &&
                        numbers[2 * i + 1] == numbers[2 * i - 1];
        if (!repeated) to_vector(numbers[2 * i], numbers[2 * i + 1], out[used++]);
    }
    if (used < 3) return wrong(at, "a ring needs at least three different points");
    if (rings_cross(out, used, out, used)) return wrong(at, "the edges of a ring cross each other");
    double area = ring_area(out, used);
    while (area < 0) area += 4 * pi;
    if (area > 2 * pi) turn_ring_around(out, used);
    *count = used;
    return ATOLL_OK;
}

static status check_hole(const vector3 *outer, size_t outer_count, const vector3 *hole,
                         size_t hole_count, position at)
{
    bool on_edge = false;
    if (rings_cross(outer, outer_count, hole, hole_count))
        return wrong(at, "a hole of the polygon crosses its outer ring");
    for (size_t i = 0; i < hole_count; i++) {
        if (!ring_contains(outer, outer_count, hole[i], &on_edge) && !on_edge)
            return wrong(at, "a hole of the polygon is not inside its outer ring");
        on_edge = false;
    }
    return ATOLL_OK;
}

static status prepare_polygon(arena *memory, geo_shape *shape, position at)
{
    size_t total = 0, used = 0;
    for (size_t i = 0; i < shape->ring_count; i++) total += shape->ring_sizes[i];
    size_t *sizes = query_arena_take(memory, shape->ring_count * sizeof *sizes + 1);
    vector3 *vertices = query_arena_take(memory, total * sizeof *vertices + 1);
    if (sizes == NULL || vertices == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    const double *numbers = shape->numbers;
    for (size_t i = 0; i < shape->ring_count; i++) {
        sizes[i] = shape->ring_sizes[i];
        TRY(make_ring(numbers, &sizes[i], vertices + used, at));
        if (i > 0) TRY(check_hole(vertices, sizes[0], vertices + used, sizes[i], at));
        numbers += 2 * shape->ring_sizes[i];
        used += sizes[i];
    }
    shape->ring_sizes = sizes;
    shape->vertices = vertices;
    return ATOLL_OK;
}

status geo_prepare(arena *memory, geo_shape *shape, position at)
{
    switch (shape->kind) {
    case SHAPE_BOX:
        TRY(check_point(shape->numbers, at));
        return check_point(shape->numbers + 2, at);
    case SHAPE_CIRCLE:
        TRY(check_point(shape->numbers, at));
        return shape->numbers[2] >= 0 ? ATOLL_OK
                                      : wrong(at, "the radius of a circle is zero or more radians");
    case SHAPE_POLYGON: return prepare_polygon(memory, shape, at);
    }
    return ATOLL_OK;
}

/* ---- points ---- */

/* A box whose left side is east of its right one goes over the date line. */
static bool box_contains(const double *box, double longitude, double latitude)
{
    if (latitude < box[1] || latitude > box[3]) return false;
    bool east = longitude >= box[0], west = longitude <= box[2];
    return box[0] <= box[2] ? east && west : east || west;
}

static bool polygon_contains(const geo_shape *shape, const vector3 p)
{
    bool on_edge = false;
    const vector3 *ring = (const vector3 *)shape->vertices;
    bool inside = ring_contains(ring, shape->ring_sizes[0], p, &on_edge) || on_edge;
    for (size_t i = 1; i < shape->ring_count && inside; i++) {
        ring += shape->ring_sizes[i - 1];
        on_edge = false;
        inside = !ring_contains(ring, shape->ring_sizes[i], p, &on_edge) || on_edge;
    }
    return inside;
}

bool geo_contains(const geo_shape *shape, double longitude, double latitude)
{
    vector3 p, center;
    if (!(fabs(longitude) <= 180) || !(fabs(latitude) <= 90)) return false;
    if (shape->kind == SHAPE_BOX) return box_contains(shape->numbers, longitude, latitude);
    to_vector(longitude, latitude, p);
    if (shape->kind == SHAPE_POLYGON) return polygon_contains(shape, p);
    to_vector(shape->numbers[0], shape->numbers[1], center);
    return angle_between(p, center) <= shape->numbers[2];
}
