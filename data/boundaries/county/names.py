"""Names: of streets, estates and shops, put together from parts so that none belongs to a real place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["alley_names", "estate_names", "ordinal", "shop_house", "street_names"]

_STREET_FIRST = [
    "和平",
    "光明",
    "解放",
    "新华",
    "育才",
    "朝阳",
    "友谊",
    "团结",
    "民主",
    "胜利",
    "红旗",
    "前进",
    "长青",
    "东风",
    "向阳",
    "振兴",
    "富民",
    "兴业",
    "文华",
    "学府",
    "书院",
    "文庙",
    "钟楼",
    "城隍",
    "县前",
    "仓前",
    "盐店",
    "米市",
    "柳巷",
    "桃园",
    "杏林",
    "梧桐",
    "银杏",
    "海棠",
    "丁香",
    "玉兰",
    "松柏",
    "翠竹",
    "荷塘",
    "莲池",
    "芙蓉",
    "牡丹",
    "桂花",
    "望江",
    "临河",
    "清漪",
    "澄碧",
    "碧波",
    "听涛",
    "金沙",
    "银滩",
    "柳堤",
    "渡口",
    "码头",
    "船厂",
    "水厂",
    "铁西",
    "站西",
    "站东",
    "机车",
    "货场",
    "道口",
    "电厂",
    "纺织",
    "化肥",
    "农机",
    "粮库",
    "供销",
    "工农",
    "建材",
    "百货",
    "工业",
    "创业",
    "科技",
    "迎春",
    "永安",
    "长宁",
    "太平",
    "安康",
    "福寿",
    "吉庆",
    "瑞祥",
    "锦绣",
    "凤凰",
    "青龙",
    "白鹤",
    "鹿鸣",
    "云台",
    "石桥",
    "古槐",
    "双井",
    "三元",
    "四知",
    "五福",
    "七贤",
    "八一",
    "东升",
    "西苑",
    "南苑",
    "北苑",
    "中兴",
    "复兴",
    "崇文",
    "尚德",
    "明德",
    "崇德",
    "至善",
]
_STREET_LAST = ("路", "街", "路")
_ALLEY_FIRST = [
    "豆腐",
    "铜匠",
    "打铁",
    "油坊",
    "酱园",
    "书铺",
    "药王",
    "马号",
    "营房",
    "观音",
    "土地",
    "井台",
    "花园",
    "竹竿",
    "灯笼",
    "箍桶",
    "剪子",
    "米粮",
    "驿前",
    "学前",
    "影壁",
    "九曲",
    "二道",
    "半边",
]

_MANAGED_FIRST = [
    "锦绣",
    "翠竹",
    "丽景",
    "御景",
    "阳光",
    "金色",
    "碧水",
    "滨河",
    "清河",
    "文昌",
    "盛世",
    "华府",
    "天鹅",
    "凤凰",
    "香樟",
    "紫荆",
    "玉兰",
    "梧桐",
    "枫林",
    "映月",
    "观澜",
    "澜庭",
    "书香",
    "学府",
    "金域",
    "恒顺",
    "万润",
    "宏远",
    "瑞景",
    "福临",
    "康居",
    "安居",
    "星河",
    "云锦",
    "东方",
    "水岸",
    "江畔",
    "春晓",
    "和谐",
    "嘉和",
    "鼎盛",
    "青枫",
    "悦澜",
    "尚景",
    "怡和",
    "景和",
    "澜悦",
]
_MANAGED_LAST = ("花园", "苑", "华庭", "家园", "名邸", "新城", "雅居", "公馆", "湾", "府")
_WORK_UNITS = [
    "粮库",
    "纺织厂",
    "化肥厂",
    "教育局",
    "水利局",
    "供销社",
    "铁路",
    "电力",
    "农机厂",
    "县医院",
    "邮电局",
    "交通局",
    "建材厂",
    "税务局",
    "工商局",
    "物资局",
    "棉纺厂",
    "印刷厂",
    "酒厂",
    "糖厂",
    "水泥厂",
    "自来水公司",
    "汽运公司",
    "百货公司",
    "法院",
    "检察院",
    "人民银行",
    "林业局",
    "畜牧局",
    "五金厂",
    "副食品公司",
    "煤建公司",
]
_BLOCK_FIRST = [
    "和平",
    "友谊",
    "建设",
    "光明",
    "幸福",
    "朝阳",
    "团结",
    "永安",
    "文化",
    "卫东",
    "劳动",
    "胜利",
    "新华",
    "兴隆",
    "富强",
    "民生",
    "育才",
    "安康",
    "东风",
    "长宁",
    "新建",
    "红星",
    "兴业",
    "惠民",
    "广厦",
]
_LANE_FIRST = [
    "梧桐",
    "槐树",
    "向阳",
    "长青",
    "民主",
    "友爱",
    "互助",
    "桃园",
    "杏花",
    "柳荫",
    "石榴",
    "古井",
    "仁义",
    "太平",
    "福寿",
    "三槐",
    "西马道",
    "东马道",
    "后仓",
    "前营",
    "铁匠",
    "车站",
    "机务",
    "河沿",
    "船坞",
    "北窑",
    "南窑",
    "砖瓦",
    "菜园",
    "水门",
    "双桥",
]
_LANE_LAST = ("里", "平房院", "大院")

_SHOP_FIRST = [
    "惠民",
    "便民",
    "福满",
    "万家",
    "美佳",
    "好邻",
    "家家",
    "佳和",
    "宏达",
    "鑫源",
    "益民",
    "百姓",
    "金穗",
    "春雨",
    "康乐",
    "顺发",
    "同福",
    "青澜",
    "悦来",
    "兴旺",
]


def street_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield street names, none twice."""
    first = list(rng.permutation(_STREET_FIRST))
    for turn in range(100):
        for index, part in enumerate(first):
            yield f"{part}{ordinal(turn + 1) if turn else ''}{_STREET_LAST[(index + turn) % len(_STREET_LAST)]}"


def alley_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield names of alleys, none twice."""
    for turn in range(100):
        for part in rng.permutation(_ALLEY_FIRST):
            yield f"{part}{ordinal(turn + 1) if turn else ''}巷"


def estate_names(classes: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return a name for each estate by its class, none twice."""
    works = _combined(_WORK_UNITS, ("家属院", "宿舍", "家属楼"), rng)
    blocks = _combined(_BLOCK_FIRST, ("小区", "新村"), rng)
    pools = {
        "managed": _combined(_MANAGED_FIRST, _MANAGED_LAST, rng),
        "unmanaged-block": (name for pair in zip(works, blocks, strict=False) for name in pair),
        "unmanaged-bungalow": _combined(_LANE_FIRST, _LANE_LAST, rng),
    }
    return [next(pools[estate_class]) for estate_class in classes]


def _combined(first: Sequence[str], last: Sequence[str], rng: np.random.Generator) -> Iterator[str]:
    """Yield every first part with one ending, then every one with the next, in a random order."""
    shuffled = rng.permutation(first)
    for turn in range(len(last)):
        for place, part in enumerate(shuffled):
            yield f"{part}{last[(place + turn) % len(last)]}"


def shop_house(rng: np.random.Generator) -> str:
    """Return the name of an invented shopkeeper's house."""
    return str(rng.choice(_SHOP_FIRST))


def ordinal(number: int) -> str:
    """Return a Chinese numeral from one to ninety-nine.

    >>> ordinal(12)
    '十二'
    """
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if not tens:
        return digits[ones]
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")
