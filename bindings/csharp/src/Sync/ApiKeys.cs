using MongoDB.Bson;
using Realms.Sync.Exceptions;

namespace Realms.Sync;

/// <summary>A key by which programs log in as a user.</summary>
public class ApiKey
{
    internal ApiKey(string[] texts, int first)
    {
        Id = new ObjectId(texts[first]);
        Name = texts[first + 1];
        IsEnabled = texts[first + 2] == "true";
        Value = texts[first + 3];
    }

    public ObjectId Id { get; }

    public string Name { get; }

    /// <summary>The key itself, only where it was created.</summary>
    public string? Value { get; }

    public bool IsEnabled { get; }
}

/// <summary>What providers tell of a user.</summary>
public class UserProfile
{
    private readonly Dictionary<string, string> _fields;

    internal UserProfile(Dictionary<string, string> fields) => _fields = fields;

    public string? Name => Field("name");

    public string? Email => Field("email");

    public string? FirstName => Field("first_name");

    public string? LastName => Field("last_name");

    public string? Birthday => Field("birthday");

    public Uri? PictureUrl => Field("picture_url") is { } url ? new Uri(url) : null;

    public string? Gender => Field("gender");

    public string? MinAge => Field("min_age");

    public string? MaxAge => Field("max_age");

    private string? Field(string name) => _fields.GetValueOrDefault(name);
}

/// <summary>One way in which a user logs in.</summary>
public class UserIdentity : IEquatable<UserIdentity>
{
    internal UserIdentity(string id, Credentials.AuthProvider provider)
    {
        Id = id;
        Provider = provider;
    }

    public string Id { get; }

    public Credentials.AuthProvider Provider { get; }

    public bool Equals(UserIdentity? other) => other is not null && Id == other.Id && Provider == other.Provider;

    public override bool Equals(object? obj) => Equals(obj as UserIdentity);

    public override int GetHashCode() => HashCode.Combine(Id, Provider);

    public override string ToString() => $"UserIdentity: {Id} ({Provider})";
}

/// <summary>What this server does not offer.</summary>
internal static class NotOffered
{
    public static AppException By(string what)
        => new($"{what} is not offered by this server", NativeStatus.NotSupported);
}

/// <summary>A service that runs elsewhere: none here.</summary>
public class MongoClient
{
    internal MongoClient(string serviceName) => ServiceName = serviceName;

    public string ServiceName { get; }

    public Database GetDatabase(string name) => throw NotOffered.By("Remote access to MongoDB");

    public Collection<TRealmObject> GetCollection<TRealmObject>()
        where TRealmObject : class, IRealmObjectBase
        => throw NotOffered.By("Remote access to MongoDB");

    /// <summary>Never made: see GetDatabase.</summary>
    public class Database
    {
        internal Database(MongoClient client, string name)
        {
            Client = client;
            Name = name;
        }

        public MongoClient Client { get; }

        public string Name { get; }

        public Collection<BsonDocument> GetCollection(string name) => throw NotOffered.By("Remote access to MongoDB");

        public Collection<TDocument> GetCollection<TDocument>(string name)
            where TDocument : class
            => throw NotOffered.By("Remote access to MongoDB");
    }

    /// <summary>Never made: see GetCollection.</summary>
    public class Collection<TDocument>
        where TDocument : class
    {
        internal Collection(string name) => Name = name;

        public string Name { get; }
    }
}
