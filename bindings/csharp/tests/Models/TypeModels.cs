using MongoDB.Bson;

namespace Realms.Tests;

/// <summary>Class style: the types beyond the plain ones.</summary>
public class Rich : RealmObject
{
    [PrimaryKey, MapTo("_id")]
    public int Id { get; set; }

    public float Ratio { get; set; } = 0.5f;

    public float? MaybeRatio { get; set; }

    public decimal Price { get; set; } = 1.10m;

    public decimal? MaybePrice { get; set; }

    public Decimal128 Exact { get; set; }

    public Decimal128? MaybeExact { get; set; }

    public RealmValue Any { get; set; }

    public RealmValue Preset { get; set; } = "preset";

    public RealmInteger<int> Hits { get; set; }

    public RealmInteger<long>? MaybeHits { get; set; }

    public Rich? Friend { get; set; }

    public IList<float> Ratios { get; } = null!;

    public IList<decimal?> Prices { get; } = null!;

    public IList<RealmValue> Anys { get; } = null!;

    public ISet<string> Tags { get; } = null!;

    public ISet<int> Codes { get; } = null!;

    public ISet<byte[]> Blobs { get; } = null!;

    public ISet<Rich> Friends { get; } = null!;

    public IDictionary<string, int> Scores { get; } = null!;

    public IDictionary<string, decimal> Costs { get; } = null!;

    public IDictionary<string, Rich?> Roles { get; } = null!;

    public IDictionary<string, Address?> Places { get; } = null!;

    public IDictionary<string, RealmValue> Extras { get; } = null!;

    [Backlink(nameof(Friend))]
    public IQueryable<Rich> FriendOf { get; } = null!;

    [Backlink(nameof(Friends))]
    public IQueryable<Rich> InFriendsOf { get; } = null!;
}

/// <summary>Interface style: the same types, completed by the generator.</summary>
public partial class RichPartial : IRealmObject
{
    [PrimaryKey, MapTo("_id")]
    public int Id { get; private set; }

    public float Ratio { get; set; }

    public decimal? Price { get; set; }

    public Decimal128 Exact { get; set; } = Decimal128.Parse("1.50");

    public RealmValue Any { get; set; }

    public RealmInteger<short> Hits { get; set; } = 3;

    [MapTo("the_owner")]
    public RichPartial? Owner { get; set; }

    public ISet<string?> Tags { get; } = null!;

    public IDictionary<string, string?> Names { get; } = null!;

    public IDictionary<string, RichPartial?> Roles { get; } = null!;

    [Backlink(nameof(Owner))]
    public IQueryable<RichPartial> Owned { get; } = null!;

    [Backlink(nameof(Roles))]
    public IQueryable<RichPartial> RoleIn { get; } = null!;

    public static RichPartial New(int id) => new() { Id = id };

    partial void OnManaged() => ManagedSeen++;

    [Ignored]
    public int ManagedSeen { get; private set; }
}
