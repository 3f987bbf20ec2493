import polars as pl
import pytest

from pipelines.quality.language import languages

GERMAN = "Wie geht es dir heute, mein lieber Freund, und was macht die Arbeit?"
ENGLISH = "I am very well, thank you, and the work is going as it always does."
CHINESE = "这是一个关于中文的想法，我们需要继续思考这个问题。"

PASSAGES = {
    "de": "Am nächsten Morgen fuhren wir mit dem Zug nach Hamburg, weil meine Schwester dort seit drei Jahren",
    "fr": "Le lendemain matin, nous avons pris le train pour Lyon, parce que ma sœur y travaille depuis trois",
    "es": "A la mañana siguiente tomamos el tren a Sevilla, porque mi hermana trabaja allí desde hace tres",
    "it": "La mattina dopo abbiamo preso il treno per Bologna, perché mia sorella lavora lì da tre anni",
    "pt": "Na manhã seguinte apanhámos o comboio para Coimbra, porque a minha irmã trabalha lá há três anos na",
    "nl": "De volgende ochtend namen we de trein naar Utrecht, omdat mijn zus daar al drie jaar aan de",
    "sv": "Nästa morgon tog vi tåget till Göteborg, eftersom min syster har arbetat där på universitetet i tre",
    "pl": "Następnego ranka pojechaliśmy pociągiem do Krakowa, ponieważ moja siostra od trzech lat pracuje tam",
    "cs": "Druhý den ráno jsme jeli vlakem do Brna, protože moje sestra tam už tři roky pracuje na univerzitě",
    "tr": "Ertesi sabah trenle Ankara'ya gittik, çünkü kız kardeşim üç yıldır oradaki üniversitede çalışıyor",
    "fi": "Seuraavana aamuna lähdimme junalla Tampereelle, koska siskoni on ollut siellä töissä yliopistossa",
    "hu": "Másnap reggel vonattal mentünk Szegedre, mert a nővérem három éve ott dolgozik az egyetemen, és",
    "ru": "На следующее утро мы поехали на поезде в Казань, потому что моя сестра уже три года работает там в",
    "uk": "Наступного ранку ми поїхали потягом до Львова, бо моя сестра вже три роки працює там в університеті",
    "bg": "На следващата сутрин тръгнахме с влака за Пловдив, защото сестра ми работи там в университета от",
    "el": "Το επόμενο πρωί πήραμε το τρένο για τη Θεσσαλονίκη, επειδή η αδελφή μου εργάζεται εκεί στο",
    "ar": "في صباح اليوم التالي سافرنا بالقطار إلى الإسكندرية لأن أختي تعمل هناك في الجامعة منذ ثلاث سنوات",
    "he": "למחרת בבוקר נסענו ברכבת לחיפה, כי אחותי עובדת שם באוניברסיטה כבר שלוש שנים ורצתה סוף סוף להראות לנו",
    "fa": "صبح روز بعد با قطار به اصفهان رفتیم، چون خواهرم سه سال است که آنجا در دانشگاه کار می‌کند و می‌خواست",
    "hi": "अगली सुबह हम रेलगाड़ी से वाराणसी गए, क्योंकि मेरी बहन तीन साल से वहाँ के विश्वविद्यालय में काम कर",
    "th": "เช้าวันรุ่งขึ้นเรานั่งรถไฟไปเชียงใหม่ เพราะพี่สาวของฉันทำงาน",
    "ja": "翌朝、私たちは電車で京都へ行きました。姉が三年前からそこの大学で働いていて、やっ",
    "ko": "다음 날 아침 우리는 기차를 타고 부산으로 갔다. 언니가 삼 년째 그곳 ",
    "zh": "第二天早上我们坐火车去了杭州，因为我姐姐在那里的大学工作了三年，终于想让我们看看",
    "vi": "Sáng hôm sau chúng tôi đi tàu hỏa ra Huế, vì chị tôi đã làm việc ở trường đại học tại đó ba năm nay",
    "id": "Keesokan paginya kami naik kereta ke Yogyakarta, karena kakak perempuan saya sudah tiga tahun",
    "ta": "மறுநாள் காலையில் நாங்கள் ரயிலில் மதுரைக்குச் சென்றோம், ஏனென்றால் என் அக்கா மூன்று ஆண்டுகளாக",
    "ka": "მეორე დილით მატარებლით ქუთაისში წავედით, რადგან ჩემი და უკვე სამი წელია იქ უნივერსიტეტში მუშაობს და",
}
"""How one story begins in other languages and scripts."""


def test_the_language_of_a_text() -> None:
    found = languages(pl.Series([GERMAN, ENGLISH, ENGLISH.upper(), CHINESE, None, "", "42 + 1"]), mix=False)
    assert found["language"].to_list() == ["de", "en", "en", "zh", None, None, None]
    assert found["language_score"].head(4).min() > 0.5
    assert found["language_score"].tail(3).null_count() == 3


def test_passages_in_many_scripts() -> None:
    assert languages(pl.Series(list(PASSAGES.values())), mix=False)["language"].to_list() == list(PASSAGES)


def test_fenced_code_is_not_read() -> None:
    assert languages(pl.Series([f"```\n{ENGLISH * 9}\n```\n{GERMAN}"]), mix=False)["language"][0] == "de"


def test_a_mixture_is_the_part_of_the_windows_in_other_languages() -> None:
    pure, half, few = ENGLISH * 40, ENGLISH * 20 + CHINESE * 53, "word"
    mix = languages(pl.Series([pure, half, few, None, "1" * 900]), mix=True)["language_mix"].to_list()
    assert mix[0] == pytest.approx(0, abs=1e-9)
    assert 0.3 < mix[1] < 0.7
    assert mix[2:] == [pytest.approx(0, abs=1e-9), None, None]


def test_an_answer_in_another_language_than_the_prompt(measure) -> None:
    rows = [
        {"prompt": GERMAN, "completion": ENGLISH, "language": "en"},
        {"prompt": GERMAN, "completion": GERMAN, "language": "de-AT"},
        {"prompt": GERMAN, "completion": "42", "language": None},
    ]
    switched = measure("instruction", "completion_switches_language", rows)
    assert switched[0] > 0.8
    assert switched[1:] == [0, None]
    other = measure("instruction", "other_language", rows)
    assert other[0] > 0.8
    assert other[1:] == [0, None]
    assert [value > 0.8 for value in measure("instruction", "completion_english", rows[:2])] == [True, False]
