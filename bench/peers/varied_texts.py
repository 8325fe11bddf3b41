"""Texts of every kind that a user may have, for comparing vectors: the same in every run."""
import random

WORDS = {
    "en": "the river carries water from distant mountains to every city where people trade bread cloth and stories",
    "de": "der Fluß trägt das Wasser über weite Täler zu den Städten, wo man Brötchen, Käse und Bücher verkauft",
    "fr": "la rivière amène l’eau des montagnes jusqu’à la ville où l’on vend du pain, des étoffes et des œuvres",
    "es": "el río lleva agua desde las montañas hasta la ciudad donde la gente compra pan, telas y canciones año tras año",
    "ru": "река несёт воду с далёких гор в каждый город где люди покупают хлеб ткани и книги",
    "el": "το ποτάμι φέρνει νερό από τα βουνά στην πόλη όπου οι άνθρωποι αγοράζουν ψωμί και βιβλία",
    "ar": "النهر يحمل الماء من الجبال البعيدة إلى المدينة حيث يشتري الناس الخبز والكتب",
    "he": "הנהר נושא מים מן ההרים אל העיר שבה אנשים קונים לחם וספרים",
    "hi": "नदी दूर पहाड़ों से पानी लाती है जहाँ लोग रोटी और किताबें खरीदते हैं",
    "th": "แม่น้ำ พา น้ำ จาก ภูเขา มา ยัง เมือง ที่ ผู้คน ซื้อ ขนมปัง",
    "zh": "河流 把 远山 的 水 带到 城市 人们 在 那里 买 面包 和 书",
    "ja": "川は 遠い 山から 町へ 水を 運び 人々は パンと 本を 買う",
    "ko": "강은 먼 산에서 도시로 물을 나르고 사람들은 빵과 책을 산다",
    "vi": "dòng sông mang nước từ núi xa đến thành phố nơi mọi người mua bánh mì và sách",
    "tr": "ırmak suyu uzak dağlardan şehre taşır, insanlar orada ekmek, kumaş ve kitap satın alır İSTANBUL",
}
ODD = [
    "", " ", "a", "Z", "7", ".", "?", "\u00e9", "e\u0301", "\U0001f600", "\u65e5", "\t", "\u00a0", "\u200b", "\ufeff", "\ufffd",
    "\U0001f600\U0001f389 party \U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 flags", "\u00c5ngstr\u00f6m na\u00efve caf\u00e9",
    "x" * 99, "x" * 101, "x" * 300, "supercalifragilisticexpialidocious" * 4, "1234567890 " * 40, "3.14159, -2e-10 and 1,000,000.00",
    "https://example.org/a/b?c=d&e=f#g", "name@example.org", "int main() { return 0; }  // C++", "SELECT * FROM t WHERE a <> 'b';",
    "{\"key\": [1, 2, null]}", "<b>bold</b> &amp; more", "[CLS] [SEP] [MASK] [UNK] [PAD]", "<s> </s> <mask> <pad> <unk>",
    "don't can't won't I'm", "\u201cquoted\u201d \u2014 dashes\u2026", "a\u0300\u0301\u0302\u0303\u0304", "\u1e9b\u0323 \ufb01 \u00bd \u2126",
    "ALL CAPITALS SHOUTING", "   many    blanks   between   ", "\u0661\u0662\u0663 \u0967\u0968\u0969", "\u4e00\u4e8c\u4e09" * 40, "!?" * 200,
    "word " * 2000, "a" * 10_000, ("The river carries water. " * 400)[:10_000], ("\u6cb3\u6d41 " * 4000)[:10_000],
]


def varied_texts(count=1200, seed=7):
    """`count` texts at least: the odd ones, then sentences of 1 to 120 words in one language or in several."""
    rng = random.Random(seed)
    texts = list(ODD)
    languages = {name: words.split() for name, words in WORDS.items()}
    everything = [word for words in languages.values() for word in words]
    while len(texts) < count:
        words = everything if rng.random() < 0.15 else languages[rng.choice(list(languages))]
        chosen = [rng.choice(words) for _ in range(rng.choice([1, 2, 3, 5, 9, 9, 20, 49, 120]))]
        if rng.random() < 0.2:
            chosen[rng.randrange(len(chosen))] = rng.choice(["\U0001f600", "42", "C++", "\u2022", "\u00b5m", "x\u00b2", "50%", "\u20ac9.99"])
        texts.append(" ".join(chosen) + rng.choice(["", ".", "!", "?", " \u2026"]))
    return texts
